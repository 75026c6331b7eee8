#!/usr/bin/env python3
"""Writes distributed-llama's model and tokenizer from the GGUF files of the same Llama, to measure it beside kerf.

usage: make_dllama.py BF16.gguf Q4_0.gguf MODEL.m TOKENIZER.t

BF16.gguf: of tools/make_gguf.py, read for the embedding. Q4_0.gguf: of llama-quantize --pure; its blocks (a half float
and 32 numbers of 4 bits) and its order of rotary pairs are distributed-llama's too, so that matrices are copied. The
tokenizer is for speed alone: every byte of text is a token. Needs Python alone.
"""

import mmap
import pathlib
import struct
import sys

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}  # gguf_type
GGUF_STRING, GGUF_ARRAY = 8, 9
GGML_F32, GGML_Q4_0, GGML_BF16 = 0, 2, 30  # ggml_type
BLOCK_BYTES = {GGML_F32: (1, 4), GGML_Q4_0: (32, 18), GGML_BF16: (1, 2)}  # values and bytes of a block

MODEL_MAGIC, TOKENIZER_MAGIC = 0xA00ABCD, 0x567124
ARCH_LLAMA, ACT_SILU, FLOAT_Q40 = 0xABCD00, 1, 2


class Gguf:
    """facts: key → value. tensors: name → its bytes, with the type checked where they are taken."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self.at = 0
        magic, version, tensors, facts = self.take("<4sIQQ")
        if magic != b"GGUF" or version != 3:
            sys.exit(f"{path}: not a GGUF file of version 3")
        self.facts = {self.string(): self.value(*self.take("<I")) for _ in range(facts)}
        entries = [self.entry() for _ in range(tensors)]
        start = self.at + -self.at % self.facts.get("general.alignment", 32)
        self.tensors = {}
        for name, elements, kind, offset in entries:
            if kind not in BLOCK_BYTES:
                sys.exit(f"{path}: {name} is of ggml's type {kind}; quantise with --pure to Q4_0")
            values, size = BLOCK_BYTES[kind]
            begin = start + offset
            self.tensors[name] = (kind, self.data[begin:begin + elements // values * size])

    def take(self, layout):
        found = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return found

    def string(self):
        (size,) = self.take("<Q")
        self.at += size
        return bytes(self.data[self.at - size:self.at]).decode()

    def value(self, kind):
        if kind == GGUF_STRING:
            return self.string()
        if kind == GGUF_ARRAY:
            item, count = self.take("<IQ")
            return [self.value(item) for _ in range(count)]
        return self.take("<" + SCALARS[kind])[0]

    def entry(self):
        name = self.string()
        (dimensions,) = self.take("<I")
        elements = 1
        for size in self.take(f"<{dimensions}Q"):
            elements *= size
        return name, elements, *self.take("<IQ")

    def of_type(self, name, kind):
        found, data = self.tensors[name]
        if found != kind:
            sys.exit(f"{name} is of ggml's type {found}, {kind} is wanted")
        return data


def header(magic, pairs):
    data = b"".join(struct.pack("<ii", *pair) for pair in pairs)
    return struct.pack("<ii", magic, 8 + len(data)) + data


def as_f32(bf16):
    out = bytearray(2 * len(bf16))
    out[2::4], out[3::4] = bf16[0::2], bf16[1::2]
    return out


def write_model(path, plain, quantised):
    fact = lambda name: quantised.facts[f"llama.{name}"]  # noqa: E731
    keys = [(0, 0), (1, ARCH_LLAMA), (11, ACT_SILU), (2, fact("embedding_length")), (3, fact("feed_forward_length")),
            (4, fact("block_count")), (5, fact("attention.head_count")), (6, fact("attention.head_count_kv")),
            (13, FLOAT_Q40), (10, fact("context_length")), (9, fact("vocab_size")), (7, 0), (8, 0),
            (12, int(fact("rope.freq_base"))), (20, 5)]  # the last: the norms' epsilon is 1e-5
    with open(path, "wb") as out:
        out.write(header(MODEL_MAGIC, keys))
        out.write(as_f32(plain.of_type("token_embd.weight", GGML_BF16)))
        for layer in range(fact("block_count")):
            for part in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_down", "ffn_up"):
                out.write(quantised.of_type(f"blk.{layer}.{part}.weight", GGML_Q4_0))
            for part in ("attn_norm", "ffn_norm"):
                out.write(quantised.of_type(f"blk.{layer}.{part}.weight", GGML_F32))
        out.write(quantised.of_type("output_norm.weight", GGML_F32))
        out.write(quantised.of_type("output.weight", GGML_Q4_0))


# Ids from that of <s> on are control tokens.
def write_tokenizer(path, vocab_size):
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [f" w{i}".encode() for i in range(256, vocab_size - 2)] + [b"<s>", b"</s>"]
    bos, eos = vocab_size - 2, vocab_size - 1
    with open(path, "wb") as out:
        out.write(header(TOKENIZER_MAGIC, [(3, bos), (0, 1), (1, vocab_size), (2, max(map(len, tokens))), (9, 1),
                                           (10, 1)]))
        out.write(struct.pack("<i", eos))
        for index, token in enumerate(tokens):
            out.write(struct.pack("<fI", -index, len(token)) + token)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    plain, quantised = Gguf(sys.argv[1]), Gguf(sys.argv[2])
    model, tokenizer = map(pathlib.Path, sys.argv[3:])
    write_tokenizer(tokenizer, quantised.facts["llama.vocab_size"])
    partial = model.with_name(model.name + ".partial")
    write_model(partial, plain, quantised)
    partial.rename(model)
    print(f"{model}: {model.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
