"""Perplexity of the model that ships, quantised by either engine, counted alike.

llama-perplexity's way: the text's tokens in chunks of 512, each begun with the token of a text's start, the first half
of a chunk for context and the second half for counting.
"""

import json
import math
import os
import re
import subprocess

import models
import settings

CHUNK = 512  # the model's longest
CHUNKS = 24  # 24 * 255 tokens count; more ids would not fit on a command line


def text():
    if "TEXT" not in os.environ:
        raise settings.Missing("TEXT is not set: a file of English text")
    return os.environ["TEXT"]


def kerf_score(quantization, *what):
    command = [settings.kerf(), "score", settings.TALES, "--tp", 1, "--quantization", quantization, "--json", *what]
    return json.loads(settings.output_of(command))


def kerf(quantization):
    ids = kerf_score("none", "--file", text())["ids"]
    chunks = [[ids[0], *ids[at + 1:at + CHUNK]] for at in range(0, len(ids) - CHUNK + 1, CHUNK)][:CHUNKS]
    logprobs = kerf_score(quantization, "--prompt-ids", ",".join(str(one) for chunk in chunks for one in chunk))["logprobs"]
    counted = [logprobs[at + i] for at in range(0, len(logprobs), CHUNK) for i in range(CHUNK // 2 + 1, CHUNK)]
    return math.exp(-sum(counted) / len(counted))


def llama_cpp(quantization, pure=True):
    command = [settings.llama_cpp("llama-perplexity"), "-m", models.gguf(settings.TALES, quantization, pure), "-f", text(),
               "-c", CHUNK, "-b", CHUNK, "--chunks", CHUNKS]
    said = settings.output_of(command, merge_stderr=True)
    return float(re.search(r"PPL = ([0-9.]+)", said)[1])
