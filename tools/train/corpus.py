"""Reads the public-domain texts, cleans them and splits off the held-out passages.

A document becomes a list of paragraphs: hard-wrapped prose is joined into one line,
verse and drama keep their lines. Consecutive paragraphs form passages of about 1.6 KB,
and every 50th passage is held out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PASSAGE_CHARACTERS = 1600
HELD_OUT_EVERY = 50

# Other editions of texts that classic_books/ and shakespeare_complete/ have too.
DUPLICATES = frozenset(
    {
        "nltk_gutenberg/carroll-alice.txt",
        "nltk_gutenberg/shakespeare-caesar.txt",
        "nltk_gutenberg/shakespeare-hamlet.txt",
        "nltk_gutenberg/shakespeare-macbeth.txt",
        "tinyshakespeare/input.txt",
    }
)
VERSE = frozenset({"blake-poems.txt", "milton-paradise.txt", "whitman-leaves.txt"})

# A block of lines at least this long on average, its last line apart, is wrapped prose.
WRAPPED_WIDTH = 50
# Paragraphs of at least this length must not occur twice.
UNIQUE_CHARACTERS = 60

CHARACTERS = str.maketrans(
    {
        "\ufeff": "",
        "\u200b": "",
        "\u2060": "",
        "\u00a0": " ",
        "\u2014": "--",
        "\u2026": "...",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
    }
)


@dataclass(frozen=True)
class Corpus:
    """Training documents, each a list of contiguous stretches, and held-out passages."""

    train: list[list[str]]
    held_out: list[str]


def decode(data: bytes) -> str:
    """Decodes UTF-8 or, failing that, Latin-1, and unifies line ends and punctuation."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(CHARACTERS)


def strip_boilerplate(text: str) -> str:
    """Drops title heads and the end matter of Project Gutenberg."""
    text = re.sub(r"\A# Title:.*?\n-{5,}\n", "", text, flags=re.DOTALL)
    text = re.sub(r"\A\s*\[[^\]]+\]\s*\n", "", text)
    return re.split(r"\nEnd of (?:the )?Project Gutenberg|\n\*\*\* ?END OF", text)[0]


def unmark(text: str) -> str:
    """Turns Markdown headings, rules and emphasis into plain text."""
    text = re.sub(r"^#+ *", "", text, flags=re.MULTILINE)
    text = re.sub(r"^(?:[*_-] *){3,}$", "", text, flags=re.MULTILINE)
    return re.sub(r"(?<!\w)[*_]+(?=\S)|(?<=\S)[*_]+(?!\w)", "", text)


def play(text: str) -> str:
    """Turns a tabulated play into `NAME: speech`, without its list of persons."""
    text = re.sub(r"^\s*DRAMATIS PERSONAE\n.*?^(?=SCENE\t)", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^([^\t\n]+)\t+(?=\S)", r"\1: ", text, flags=re.MULTILINE)


def paragraphs(text: str, verse: bool) -> list[str]:
    """Splits text at blank lines; joins the lines of wrapped prose unless it is verse."""
    result = []
    for block in re.split(r"\n\s*\n", text):
        lines = [re.sub(r"\s+", " ", line).strip() for line in block.split("\n")]
        lines = [line for line in lines if line]
        if not lines:
            continue
        width = sum(map(len, lines[:-1])) / max(1, len(lines) - 1)
        wrapped = not verse and width >= WRAPPED_WIDTH
        result.append((" " if wrapped else "\n").join(lines))
    return result


def passages(document: list[str]) -> list[str]:
    """Groups paragraphs into passages of at least PASSAGE_CHARACTERS."""
    result, pending, size = [], [], 0
    for paragraph in document:
        pending.append(paragraph)
        size += len(paragraph)
        if size >= PASSAGE_CHARACTERS:
            result.append("\n\n".join(pending))
            pending, size = [], 0
    if pending:
        result.append("\n\n".join(pending))
    return result


def read_document(path: Path) -> list[str]:
    """The clean paragraphs of one file."""
    text = strip_boilerplate(decode(path.read_bytes()))
    if path.parent.name == "shakespeare_complete":
        return paragraphs(play(text), verse=True)
    return paragraphs(unmark(text), verse=path.name in VERSE)


def load(folder: Path) -> Corpus:
    """Reads every text below `folder`; the result depends on nothing but the texts."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in (".md", ".txt"))
    files = [p for p in files if p.relative_to(folder).as_posix() not in DUPLICATES]
    if not files:
        raise FileNotFoundError(f"no texts in {folder}")
    seen: set[str] = set()
    corpus = Corpus([], [])
    count = 0
    for path in files:
        document = []
        for paragraph in read_document(path):
            key = re.sub(r"\W+", "", paragraph).lower()
            if len(key) < UNIQUE_CHARACTERS or key not in seen:
                document.append(paragraph)
            seen.add(key)
        stretches: list[list[str]] = [[]]
        for passage in passages(document):
            count += 1
            if count % HELD_OUT_EVERY == 0:
                corpus.held_out.append(passage)
                stretches.append([])
            else:
                stretches[-1].append(passage)
        corpus.train.append(["\n\n".join(s) for s in stretches if s])
    return corpus
