"""Cleans the texts, trains the tokenizer and writes the token streams for train.py.

Usage: prepare.py [--texts ../shared/data/text] [--out build/train]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import bpe
import corpus
from model import Config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, default=Path("../shared/data/text"))
    parser.add_argument("--out", type=Path, default=Path("build/train"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    data = corpus.load(options.texts)
    vocab_size = Config().vocab_size
    merges = bpe.train((s for document in data.train for s in document), vocab_size)
    tokenizer = bpe.Tokenizer(merges)
    (options.out / "tokenizer.json").write_text(
        json.dumps(tokenizer.to_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )

    stream: list[int] = []
    for document in data.train:
        for stretch in document:
            stream += [bpe.BEGIN_ID, *tokenizer.encode(stretch)]
        stream.append(bpe.END_ID)
    np.array(stream, dtype=np.uint16).tofile(options.out / "train.u16")
    held_out = [
        {"tokens": tokenizer.encode(passage), "bytes": len(passage.encode("utf-8"))}
        for passage in data.held_out
    ]
    (options.out / "held_out.json").write_text(json.dumps(held_out) + "\n")

    train_bytes = sum(len(s.encode("utf-8")) for document in data.train for s in document)
    print(f"{len(data.train)} documents, {train_bytes} bytes, {len(stream)} tokens for training")
    print(
        f"{len(held_out)} passages, {sum(p['bytes'] for p in held_out)} bytes, "
        f"{sum(len(p['tokens']) for p in held_out)} tokens held out"
    )


if __name__ == "__main__":
    main()
