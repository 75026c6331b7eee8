#!/usr/bin/env python3
"""Writes a Llama checkpoint as a bf16 GGUF file, so that other engines can be measured on the same weights.

usage: make_gguf.py DIR FILE.gguf      DIR: a Hugging Face directory, model_type llama, safetensors of bf16 or f32

Matrices become bf16, whatever they were; norms f32. Needs Python alone. The format is GGUF version 3
(ggml's docs/gguf.md); rows of the query and key projections move, for it counts rotary pairs as neighbours where
Hugging Face has them half a head apart. The tokenizer is DIR's tokenizer.json, a byte-level BPE with GPT-2's pattern of
words; without one the file has no vocabulary, and prompts are token ids.
"""

import json
import mmap
import pathlib
import struct
import sys

ALIGNMENT = 32  # GGUF's default
GGUF_UINT32, GGUF_INT32, GGUF_FLOAT32, GGUF_BOOL, GGUF_STRING, GGUF_ARRAY = 4, 5, 6, 7, 8, 9  # gguf_type
GGML_F32, GGML_BF16 = 0, 30  # ggml_type
FILE_TYPE_BF16 = 32  # llama_ftype
TOKEN_NORMAL, TOKEN_CONTROL = 1, 3  # llama_token_type
ROWS = 4096  # converted at a time

LAYER_NAMES = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
OUTER_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


class Tensor:
    def __init__(self, data, dtype, shape):
        self.data, self.dtype, self.shape = data, dtype, shape  # data: the bytes, row-major

    def is_matrix(self):
        return len(self.shape) == 2

    def bytes_written(self):
        elements = len(self.data) // ITEM_BYTES[self.dtype]
        return elements * (2 if self.is_matrix() else 4)


ITEM_BYTES = {"BF16": 2, "F32": 4}


def read_checkpoint(folder):
    """name → Tensor, over every safetensors file of the directory."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        (length,) = struct.unpack("<Q", data[:8])
        for name, entry in json.loads(bytes(data[8:8 + length])).items():
            if name == "__metadata__":
                continue
            if entry["dtype"] not in ITEM_BYTES:
                sys.exit(f"{path}: {name} is {entry['dtype']}; this tool reads BF16 and F32")
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            found[name] = Tensor(data[begin:end], entry["dtype"], entry["shape"])
    if not found:
        sys.exit(f"{folder}: no safetensors file")
    return found


def gguf_name(name):
    stem = name.removesuffix(".weight")
    if stem in OUTER_NAMES:
        return OUTER_NAMES[stem] + ".weight"
    if stem.startswith("model.layers."):
        layer, _, part = stem.removeprefix("model.layers.").partition(".")
        if part in LAYER_NAMES:
            return f"blk.{layer}.{LAYER_NAMES[part]}.weight"
    sys.exit(f"{name}: no such tensor in a Llama without biases")


def row_order(name, shape, config):
    """The source row of each row written: rotary dimension i and i + d/2 of a head become 2i and 2i + 1."""
    for part, heads in (("q_proj", config["num_attention_heads"]), ("k_proj", config["num_key_value_heads"])):
        if name.endswith(f"self_attn.{part}.weight"):
            size = shape[0] // heads
            return [h * size + half * (size // 2) + i for h in range(heads) for i in range(size // 2) for half in (0, 1)]
    return None


def to_bf16(data):
    """f32 bytes → bf16 bytes, rounded to nearest even; NaN stays NaN by its upper half."""
    out = bytearray(len(data) // 2)
    for i, (bits,) in enumerate(struct.iter_unpack("<I", data)):
        nan = bits & 0x7FFFFFFF > 0x7F800000
        rounded = bits if nan else bits + 0x7FFF + (bits >> 16 & 1)
        struct.pack_into("<H", out, 2 * i, rounded >> 16 & 0xFFFF)
    return out


def to_f32(data):
    out = bytearray(2 * len(data))
    out[2::4], out[3::4] = data[0::2], data[1::2]
    return out


def write_tensor(out, name, tensor, config):
    if not tensor.is_matrix():
        out.write(tensor.data if tensor.dtype == "F32" else to_f32(tensor.data))
        return
    row_bytes = len(tensor.data) // tensor.shape[0]
    order = row_order(name, tensor.shape, config)
    for first in range(0, tensor.shape[0], ROWS):
        last = min(first + ROWS, tensor.shape[0])
        if order:
            rows = b"".join(tensor.data[r * row_bytes:(r + 1) * row_bytes] for r in order[first:last])
        else:
            rows = tensor.data[first * row_bytes:last * row_bytes]
        out.write(rows if tensor.dtype == "BF16" else to_bf16(rows))


def string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(kind, content):
    """Type and content of a key's value; kind is a gguf_type, or a list of one for an array."""
    if isinstance(kind, list):
        (item,) = kind
        head = struct.pack("<IIQ", GGUF_ARRAY, item, len(content))
        return head + b"".join(value(item, one)[4:] for one in content)
    code = {GGUF_UINT32: "<I", GGUF_INT32: "<i", GGUF_FLOAT32: "<f", GGUF_BOOL: "<?"}
    body = string(content) if kind == GGUF_STRING else struct.pack(code[kind], content)
    return struct.pack("<I", kind) + body


def model_facts(config):
    heads = config["num_attention_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    if config.get("rope_scaling"):
        sys.exit("config.json: rope_scaling is not written by this tool")
    yield "general.architecture", GGUF_STRING, "llama"
    yield "general.file_type", GGUF_UINT32, FILE_TYPE_BF16
    yield "llama.vocab_size", GGUF_UINT32, config["vocab_size"]
    yield "llama.context_length", GGUF_UINT32, config["max_position_embeddings"]
    yield "llama.embedding_length", GGUF_UINT32, config["hidden_size"]
    yield "llama.block_count", GGUF_UINT32, config["num_hidden_layers"]
    yield "llama.feed_forward_length", GGUF_UINT32, config["intermediate_size"]
    yield "llama.attention.head_count", GGUF_UINT32, heads
    yield "llama.attention.head_count_kv", GGUF_UINT32, config["num_key_value_heads"]
    yield "llama.attention.layer_norm_rms_epsilon", GGUF_FLOAT32, config["rms_norm_eps"]
    yield "llama.rope.dimension_count", GGUF_UINT32, head_dim
    yield "llama.rope.freq_base", GGUF_FLOAT32, config.get("rope_theta", 10000.0)


def puts_bos_first(tokenizer):
    single = (tokenizer.get("post_processor") or {}).get("single") or [{}]
    return "SpecialToken" in single[0]


def tokenizer_facts(folder, config):
    path = folder / "tokenizer.json"
    if not path.exists():
        yield "tokenizer.ggml.model", GGUF_STRING, "none"
        return
    tokenizer = json.loads(path.read_text())
    words = tokenizer.get("pre_tokenizer") or {}
    if tokenizer["model"]["type"] != "BPE" or words.get("type") != "ByteLevel" or not words.get("use_regex", True):
        sys.exit(f"{path}: this tool writes byte-level BPE with GPT-2's pattern only")
    special = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    tokens = [f"[unused{i}]" for i in range(config["vocab_size"])]
    for token, index in [*tokenizer["model"]["vocab"].items(), *((text, i) for i, text in special.items())]:
        tokens[index] = token
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]]
    yield "tokenizer.ggml.model", GGUF_STRING, "gpt2"
    yield "tokenizer.ggml.pre", GGUF_STRING, "gpt-2"
    yield "tokenizer.ggml.tokens", [GGUF_STRING], tokens
    yield "tokenizer.ggml.token_type", [GGUF_INT32], [TOKEN_CONTROL if i in special else TOKEN_NORMAL
                                                      for i in range(len(tokens))]
    yield "tokenizer.ggml.merges", [GGUF_STRING], merges
    yield "tokenizer.ggml.bos_token_id", GGUF_UINT32, config["bos_token_id"]
    yield "tokenizer.ggml.eos_token_id", GGUF_UINT32, config["eos_token_id"]
    yield "tokenizer.ggml.add_bos_token", GGUF_BOOL, puts_bos_first(tokenizer)


def pad(out):
    out.write(b"\0" * (-out.tell() % ALIGNMENT))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    config = json.loads((folder / "config.json").read_text())
    if config.get("model_type") != "llama":
        sys.exit(f"{folder}/config.json: model_type is {config.get('model_type')}; this tool writes llama")
    tensors = read_checkpoint(folder)
    facts = [*model_facts(config), *tokenizer_facts(folder, config)]
    partial = target.with_name(target.name + ".partial")
    with partial.open("wb") as out:
        out.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(facts)))
        for key, kind, content in facts:
            out.write(string(key) + value(kind, content))
        offset = 0
        for name, tensor in tensors.items():
            sizes = tensor.shape[::-1]  # ggml counts dimensions from the innermost
            kind = GGML_BF16 if tensor.is_matrix() else GGML_F32
            out.write(string(gguf_name(name)) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, offset))
            offset += tensor.bytes_written() + -tensor.bytes_written() % ALIGNMENT
        pad(out)
        for name, tensor in tensors.items():
            write_tensor(out, name, tensor, config)
            pad(out)
        size = out.tell()
    partial.rename(target)
    print(f"{target}: {len(tensors)} tensors, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
