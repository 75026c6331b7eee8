#!/usr/bin/env python3
"""Writes a Hugging Face directory of a Llama with random bf16 weights: for measuring speed, not for reading.

usage: make_random_model.py [--max-positions N] SIZE DIR      SIZE: 20m, 150m, 1.1b (TinyLlama's shape)

Needs Python alone. The tokenizer, a byte-level BPE without merges, makes a token of each byte of text; every other id is
a word of its own. Words are all that the model says, so that it can be written: bytes alone are not always UTF-8, which some
servers end an answer for.
"""

import argparse
import json
import math
import pathlib
import random
import struct

SIZES = {
    "20m": dict(hidden_size=384, intermediate_size=1024, num_hidden_layers=8, num_attention_heads=6,
                num_key_value_heads=6, vocab_size=8192),
    "150m": dict(hidden_size=768, intermediate_size=2304, num_hidden_layers=14, num_attention_heads=12,
                 num_key_value_heads=4, vocab_size=32000),
    "1.1b": dict(hidden_size=2048, intermediate_size=5632, num_hidden_layers=22, num_attention_heads=32,
                 num_key_value_heads=4, vocab_size=32000),
}

# A random byte as the upper half of a bf16: either sign, exponents 2^-7 and 2^-6 (with the lower half's top bit), so
# that sums over thousands of products stay near 1.
UPPER = bytes(0x3C if byte < 128 else 0xBC for byte in range(256))
CHUNK = 1 << 24
SPECIAL = ["<unk>", "<s>", "</s>"]
NOT_WORDS = len(SPECIAL) + 256  # the first ids


def tensors(c):
    """(name, shape) of everything in the checkpoint."""
    hidden, inner = c["hidden_size"], c["intermediate_size"]
    kv = hidden // c["num_attention_heads"] * c["num_key_value_heads"]
    yield "model.embed_tokens.weight", [c["vocab_size"], hidden]
    for layer in range(c["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", [hidden]
        yield prefix + "self_attn.q_proj.weight", [hidden, hidden]
        yield prefix + "self_attn.k_proj.weight", [kv, hidden]
        yield prefix + "self_attn.v_proj.weight", [kv, hidden]
        yield prefix + "self_attn.o_proj.weight", [hidden, hidden]
        yield prefix + "post_attention_layernorm.weight", [hidden]
        yield prefix + "mlp.gate_proj.weight", [inner, hidden]
        yield prefix + "mlp.up_proj.weight", [inner, hidden]
        yield prefix + "mlp.down_proj.weight", [hidden, inner]
    yield "model.norm.weight", [hidden]
    yield "lm_head.weight", [c["vocab_size"], hidden]


def write_values(out, shape, rng):
    elements = math.prod(shape)
    if len(shape) == 1:
        out.write(b"\x80\x3f" * elements)  # norms multiply by 1
        return
    while elements > 0:
        count = min(elements, CHUNK)
        values = bytearray(2 * count)
        values[0::2] = rng.randbytes(count)
        values[1::2] = rng.randbytes(count).translate(UPPER)
        out.write(values)
        elements -= count


def byte_letters():
    """The letter that byte-level BPE (GPT-2's) writes for each byte: itself if it shows, else one from U+0100 on."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) if byte in shown else chr(0x100 + hidden.index(byte)) for byte in range(256)]


def tokenizer(vocab_size):
    tokens = SPECIAL + byte_letters()
    tokens += [f"\u0120w{i}" for i in range(len(tokens), vocab_size)]  # U+0120 is a space
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"version": "1.0", "pre_tokenizer": byte_level, "decoder": byte_level, "normalizer": None,
            "post_processor": None, "truncation": None, "padding": None,
            "added_tokens": [{"id": i, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
                              "normalized": False, "special": True} for i, text in enumerate(SPECIAL)],
            "model": {"type": "BPE", "vocab": {token: i for i, token in enumerate(tokens)}, "merges": []}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--max-positions", type=int, default=2048, help="max_position_embeddings of its config.json")
    options = parser.parse_args()
    config = dict(SIZES[options.size], model_type="llama", architectures=["LlamaForCausalLM"], torch_dtype="bfloat16",
                  max_position_embeddings=options.max_positions, rms_norm_eps=1e-5, rope_theta=10000.0,
                  hidden_act="silu", tie_word_embeddings=False, bos_token_id=1, eos_token_id=2)
    folder = options.dir
    folder.mkdir(parents=True, exist_ok=True)
    header, offset = {}, 0
    for name, shape in tensors(config):
        size = 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rng = random.Random(1)
    partial = folder / "model.safetensors.partial"
    with partial.open("wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors(config):
            if name == "lm_head.weight":  # a logit of 0, less than the largest of the words'
                out.write(bytes(2 * NOT_WORDS * shape[1]))
                shape = [shape[0] - NOT_WORDS, shape[1]]
            write_values(out, shape, rng)
    partial.rename(folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(config["vocab_size"]), ensure_ascii=False) + "\n")
    print(f"{folder}: {offset / 2e6:.0f} M parameters, {offset / 1e6:.0f} MB")


main()
