"""Scores an exported model on the held-out passages and lets it write, with NumPy alone.

It shares no code with model.py and reads only what ships, so it also checks the export.

Usage: check.py [--model models/kerf-tales-7m] [--data build/train] [--every 1]
"""

from __future__ import annotations

import argparse
import json
import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpe import BEGIN_ID, END_ID, Tokenizer

Array = NDArray[np.float32]

PROMPTS = ("Once upon a time", "The old man looked at the sea and", "HAMLET:")


def read_safetensors(path: Path) -> dict[str, Array]:
    """All tensors of a bfloat16 file, widened to float32."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    result = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        bits = np.frombuffer(data[begin:end], dtype="<u2").astype(np.uint32) << 16
        result[name] = bits.view(np.float32).reshape(entry["shape"])
    return result


class Model:
    """A Llama forward pass in float32 over weights with Hugging Face's names."""

    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / "config.json").read_text())
        self.weights = read_safetensors(folder / "model.safetensors")
        self.head_dim = self.config["hidden_size"] // self.config["num_attention_heads"]

    def norm(self, x: Array, name: str) -> Array:
        mean = np.mean(np.square(x), axis=-1, keepdims=True)
        return x / np.sqrt(mean + self.config["rms_norm_eps"]) * self.weights[f"model.{name}.weight"]

    def project(self, x: Array, name: str) -> Array:
        return x @ self.weights[f"model.{name}.weight"].T

    def heads(self, x: Array) -> Array:
        """[position, heads * head_dim] to [head, position, head_dim]."""
        return x.reshape(len(x), -1, self.head_dim).transpose(1, 0, 2)

    def rotate(self, x: Array) -> Array:
        """Rotary embeddings: element i turns with element i + head_dim / 2."""
        half = self.head_dim // 2
        frequency = self.config["rope_theta"] ** (-np.arange(half) / half)
        angle = np.outer(np.arange(x.shape[1]), frequency)
        cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        a, b = x[..., :half], x[..., half:]
        return np.concatenate((a * cos - b * sin, b * cos + a * sin), axis=-1)

    def attention(self, x: Array, name: str) -> Array:
        q, k, v = (self.heads(self.project(x, f"{name}.{p}_proj")) for p in "qkv")
        group = len(q) // len(k)
        k, v = self.rotate(k).repeat(group, axis=0), v.repeat(group, axis=0)
        scores = self.rotate(q) @ k.transpose(0, 2, 1) / np.float32(math.sqrt(self.head_dim))
        scores += np.triu(np.full(scores.shape[1:], -np.inf, dtype=np.float32), 1)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return self.project((weights @ v).transpose(1, 0, 2).reshape(len(x), -1), f"{name}.o_proj")

    def mlp(self, x: Array, name: str) -> Array:
        gate = self.project(x, f"{name}.gate_proj")
        up = self.project(x, f"{name}.up_proj")
        return self.project(gate / (1 + np.exp(-gate)) * up, f"{name}.down_proj")

    def logits(self, tokens: list[int]) -> Array:
        """Logits after each of the tokens, [position, vocabulary]."""
        embedding = self.weights["model.embed_tokens.weight"]
        x = embedding[tokens]
        for i in range(self.config["num_hidden_layers"]):
            x = x + self.attention(self.norm(x, f"layers.{i}.input_layernorm"), f"layers.{i}.self_attn")
            x = x + self.mlp(self.norm(x, f"layers.{i}.post_attention_layernorm"), f"layers.{i}.mlp")
        return self.norm(x, "norm") @ embedding.T


def window_loss(model: Model, tokens: list[int]) -> float:
    """Summed negative log-likelihood of the tokens after BOS, in nats."""
    logits = model.logits([BEGIN_ID, *tokens[:-1]]).astype(np.float64)
    top = logits.max(axis=-1)
    total = top + np.log(np.exp(logits - top[:, None]).sum(axis=-1))
    return float((total - logits[np.arange(len(tokens)), tokens]).sum())


def score(model: Model, held_out: list[dict]) -> str:
    """Perplexity per token and bits per byte of passages that each follow BOS."""
    context = model.config["max_position_embeddings"]
    nats = sum(
        window_loss(model, passage["tokens"][at : at + context])
        for passage in held_out
        for at in range(0, len(passage["tokens"]), context)
    )
    count = sum(len(passage["tokens"]) for passage in held_out)
    size = sum(passage["bytes"] for passage in held_out)
    return (
        f"{len(held_out)} passages, {count} tokens: loss {nats / count:.4f}, "
        f"perplexity {math.exp(nats / count):.2f}, bits per byte {nats / math.log(2) / size:.4f}"
    )


def write(model: Model, prompt: list[int], count: int, temperature: float, seed: int) -> list[int]:
    """Continues the prompt by up to `count` tokens; at temperature 0 takes the likeliest."""
    draw = np.random.default_rng(seed)
    tokens = list(prompt)
    for _ in range(count):
        logits = model.logits(tokens)[-1].astype(np.float64)
        if temperature == 0:
            chosen = int(logits.argmax())
        else:
            weights = np.exp((logits - logits.max()) / temperature)
            chosen = int(draw.choice(len(weights), p=weights / weights.sum()))
        if chosen == END_ID:
            break
        tokens.append(chosen)
    return tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/kerf-tales-7m"))
    parser.add_argument("--data", type=Path, default=Path("build/train"))
    parser.add_argument("--every", type=int, default=1, help="score only every nth passage")
    parser.add_argument("--tokens", type=int, default=100, help="length of the samples")
    options = parser.parse_args()
    model = Model(options.model)
    tokenizer = Tokenizer.load(options.model / "tokenizer.json")
    held_out = json.loads((options.data / "held_out.json").read_text())
    print(score(model, held_out[:: options.every]))
    for prompt in PROMPTS:
        for temperature in (0.0, 0.8):
            ids = write(model, [BEGIN_ID, *tokenizer.encode(prompt)], options.tokens, temperature, seed=1)
            print(f"\n--- temperature {temperature}\n{tokenizer.decode(ids)}")


if __name__ == "__main__":
    main()
