"""Byte-level byte-pair encoding: training, encoding, and Hugging Face's tokenizer.json."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

BEGIN, END = "<|begin_of_text|>", "<|end_of_text|>"
BEGIN_ID, END_ID = 0, 1

# GPT-2's pattern in the terms of the standard library: [^\W\d_] for \p{L}, \d for \p{N}.
WORD = re.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+"
)


def byte_alphabet() -> list[str]:
    """GPT-2's printable character for each of the 256 bytes."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = (b for b in range(256) if b not in printable)
    shifted = {b: chr(256 + i) for i, b in enumerate(others)}
    return [shifted.get(b, chr(b)) for b in range(256)]


ALPHABET = byte_alphabet()
BYTES = {character: byte for byte, character in enumerate(ALPHABET)}

Pair = tuple[str, str]


def spell(word: str) -> tuple[str, ...]:
    """The word's UTF-8 bytes as characters of the byte alphabet."""
    return tuple(ALPHABET[b] for b in word.encode("utf-8"))


def merge_symbols(symbols: tuple[str, ...], pair: Pair) -> tuple[str, ...]:
    """Replaces every occurrence of the pair, from the left, by its concatenation."""
    result, i = [], 0
    while i < len(symbols):
        if symbols[i : i + 2] == pair:
            result.append(pair[0] + pair[1])
            i += 2
        else:
            result.append(symbols[i])
            i += 1
    return tuple(result)


def train(texts: Iterable[str], vocab_size: int) -> list[Pair]:
    """Learns merges from the words of the texts, most frequent pair first.

    Pair counts are kept up to date by revisiting only the words that hold the merged pair.
    """
    frequency = Counter(word for text in texts for word in WORD.findall(text))
    words = [spell(word) for word in frequency]
    weights = list(frequency.values())
    counts: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)
    for index, symbols in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            counts[pair] += weights[index]
            where[pair].add(index)
    merges: list[Pair] = []
    for _ in range(vocab_size - len(ALPHABET) - 2):
        best = max(counts, key=lambda pair: (counts[pair], pair))
        merges.append(best)
        for index in where[best]:
            before = words[index]
            after = merge_symbols(before, best)
            for pair in zip(before, before[1:]):
                counts[pair] -= weights[index]
            for pair in zip(after, after[1:]):
                counts[pair] += weights[index]
                where[pair].add(index)
            words[index] = after
        del where[best]
        counts = +counts if len(merges) % 64 == 0 else counts
    return merges


class Tokenizer:
    """Encodes and decodes text with a list of merges."""

    def __init__(self, merges: list[Pair]) -> None:
        self.merges = merges
        self.rank = {pair: rank for rank, pair in enumerate(merges)}
        self.tokens = [BEGIN, END, *sorted(ALPHABET), *(a + b for a, b in merges)]
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.encode_word = lru_cache(maxsize=1 << 17)(self._encode_word)

    def _encode_word(self, word: str) -> tuple[int, ...]:
        symbols = spell(word)
        while len(symbols) > 1:
            best = min(zip(symbols, symbols[1:]), key=lambda p: self.rank.get(p, len(self.rank)))
            if best not in self.rank:
                break
            symbols = merge_symbols(symbols, best)
        return tuple(self.ids[symbol] for symbol in symbols)

    def encode(self, text: str) -> list[int]:
        """Token ids of ordinary text, without special tokens."""
        return [i for word in WORD.findall(text) for i in self.encode_word(word)]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids; special tokens are left out."""
        spelling = "".join(self.tokens[i] for i in ids if i not in (BEGIN_ID, END_ID))
        return bytes(BYTES[c] for c in spelling).decode("utf-8", errors="replace")

    def to_json(self) -> dict[str, object]:
        """The content of Hugging Face's tokenizer.json."""
        special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        begin = {"SpecialToken": {"id": BEGIN, "type_id": 0}}
        first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{"id": i, "content": self.tokens[i], **special} for i in (BEGIN_ID, END_ID)],
            "normalizer": None,
            "pre_tokenizer": byte_level,
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [begin, first],
                "pair": [begin, first, begin, second],
                "special_tokens": {BEGIN: {"id": BEGIN, "ids": [BEGIN_ID], "tokens": [BEGIN]}},
            },
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "vocab": self.ids,
                "merges": [f"{a} {b}" for a, b in self.merges],
            },
        }

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Reads the merges back from a tokenizer.json written by `to_json`."""
        model = json.loads(path.read_text(encoding="utf-8"))["model"]
        left_right = (merge.split(" ") for merge in model["merges"])
        return cls([(a, b) for a, b in left_right])
