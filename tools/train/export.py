"""Writes a checkpoint of train.py as a Hugging Face model directory, rounded to bfloat16.

Usage: export.py [--data build/train] [--checkpoint build/train/checkpoint.pt]
                 [--out models/kerf-tales-7m]
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from bpe import BEGIN, BEGIN_ID, END, END_ID
from model import Config


def hugging_face_tensors(state: dict[str, Tensor], config: Config) -> dict[str, Tensor]:
    """Renames the weights and splits the joined projections; the tied head is left out."""
    head = config.head_dim
    kv_rows = config.num_key_value_heads * head
    parts = {
        "self_attn.qkv_proj": {
            "self_attn.q_proj": config.num_attention_heads * head,
            "self_attn.k_proj": kv_rows,
            "self_attn.v_proj": kv_rows,
        },
        "mlp.gate_up_proj": {
            "mlp.gate_proj": config.intermediate_size,
            "mlp.up_proj": config.intermediate_size,
        },
    }
    result = {}
    for name, weight in state.items():
        joined = next((part for part in parts if part in name), None)
        if joined is None:
            result[f"model.{name}"] = weight
            continue
        rows = list(parts[joined].values())
        for part, piece in zip(parts[joined], weight.split(rows)):
            result[f"model.{name.replace(joined, part)}"] = piece
    return result


def write_safetensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Writes the tensors in bfloat16 and in order of their names."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    chunks, offset = [], 0
    for name, tensor in sorted(tensors.items()):
        data = tensor.to(torch.bfloat16).contiguous().view(torch.int16).numpy().astype("<i2").tobytes()
        header[name] = {
            "dtype": "BF16",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def model_config(config: Config) -> dict[str, object]:
    """The content of config.json."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **asdict(config),
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": BEGIN_ID,
        "eos_token_id": END_ID,
        "hidden_act": "silu",
        "initializer_range": 0.02,
        "mlp_bias": False,
        "rope_scaling": None,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
    }


def tokenizer_config(config: Config) -> dict[str, object]:
    """The content of tokenizer_config.json."""
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    special = {str(i): {"content": token, **flags} for i, token in ((BEGIN_ID, BEGIN), (END_ID, END))}
    return {
        "added_tokens_decoder": special,
        "bos_token": BEGIN,
        "eos_token": END,
        "clean_up_tokenization_spaces": False,
        "model_max_length": config.max_position_embeddings,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }


def export(state: dict[str, Tensor], config: Config, out: Path) -> None:
    """Writes the weights and the configuration files of a model directory."""
    out.mkdir(parents=True, exist_ok=True)
    write_safetensors(out / "model.safetensors", hugging_face_tensors(state, config))
    files = {
        "config.json": model_config(config),
        "generation_config.json": {"bos_token_id": BEGIN_ID, "eos_token_id": END_ID},
        "tokenizer_config.json": tokenizer_config(config),
    }
    for name, content in files.items():
        (out / name).write_text(json.dumps(content, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("build/train"))
    parser.add_argument("--checkpoint", type=Path, default=Path("build/train/checkpoint.pt"))
    parser.add_argument("--out", type=Path, default=Path("models/kerf-tales-7m"))
    options = parser.parse_args()

    saved = torch.load(options.checkpoint)
    export(saved["model"], Config(), options.out)
    shutil.copyfile(options.data / "tokenizer.json", options.out / "tokenizer.json")
    print(f"step {saved['progress']['step']}: {saved['progress']['tokens']} tokens seen")


if __name__ == "__main__":
    main()
