"""The Llama architecture in plain PyTorch, with the conventions of Hugging Face.

RMSNorm in float32, rotate-half RoPE, grouped-query attention, a SiLU-gated MLP and an
output head tied to the embedding. Projections that read the same input are one matrix
(query, key and value; gate and up), which is faster here; `export.py` splits them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """Shape of the model, with the names of Hugging Face's `config.json`."""

    vocab_size: int = 4096
    hidden_size: int = 256
    intermediate_size: int = 768
    num_hidden_layers: int = 8
    num_attention_heads: int = 8
    num_key_value_heads: int = 4
    max_position_embeddings: int = 512
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads


class Normalise(torch.autograd.Function):
    """x / rms(x) * weight in float32; its gradient by hand saves half of the memory passes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
        unit = x * scale
        ctx.save_for_backward(unit, scale, weight)
        return unit * weight

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        unit, scale, weight = ctx.saved_tensors
        grad_weight = (grad * unit).flatten(0, -2).sum(0)
        grad_unit = grad * weight
        mean = (grad_unit * unit).mean(-1, keepdim=True)
        return grad_unit.addcmul_(unit, mean, value=-1.0).mul_(scale), grad_weight, None


class RMSNorm(nn.Module):
    """Root-mean-square normalisation, computed in float32 whatever the input type."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return Normalise.apply(x.float(), self.weight, self.eps)


def rope_tables(config: Config) -> tuple[Tensor, Tensor]:
    """Cosines and sines, [position, head_dim], of rotate-half rotary embeddings."""
    half = torch.arange(0, config.head_dim, 2, dtype=torch.float32)
    frequency = config.rope_theta ** (-half / config.head_dim)
    position = torch.arange(config.max_position_embeddings, dtype=torch.float32)
    angle = torch.outer(position, frequency)
    angle = torch.cat((angle, angle), dim=-1)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Applies rotary embeddings to x, [..., position, head_dim]."""
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-right, left), dim=-1) * sin


class Attention(nn.Module):
    """Causal self-attention; query head h reads key-value head h // (heads / kv heads)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.kv_heads = config.num_key_value_heads
        self.head_dim = config.head_dim
        rows = (self.heads + 2 * self.kv_heads) * self.head_dim
        self.qkv_proj = nn.Linear(config.hidden_size, rows, bias=False)
        self.o_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        batch, length, _ = x.shape
        qkv = self.qkv_proj(x).view(batch, length, -1, self.head_dim).transpose(1, 2)
        qk, v = qkv.split((self.heads + self.kv_heads, self.kv_heads), dim=1)
        q, k = rotate(qk, cos, sin).split((self.heads, self.kv_heads), dim=1)
        # The query heads of a group are stacked, so that keys and values need no copies.
        group = self.heads // self.kv_heads
        q = q.reshape(batch * self.kv_heads, group * length, self.head_dim)
        k = k.reshape(batch * self.kv_heads, length, self.head_dim)
        v = v.reshape(batch * self.kv_heads, length, self.head_dim)
        scores = torch.bmm(q * (1.0 / math.sqrt(self.head_dim)), k.transpose(1, 2))
        weights = torch.softmax(scores.add_(mask.repeat(group, 1)), dim=-1)
        y = torch.bmm(weights, v).view(batch, self.heads, length, self.head_dim)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class MLP(nn.Module):
    """down(silu(gate(x)) * up(x))."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.gate_up_proj = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
        return self.down_proj(F.silu(gate) * up)


class Layer(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class TokenLoss(torch.autograd.Function):
    """Mean cross entropy of bfloat16 logits, [token, vocabulary], without a float32 copy.

    The gradient is made in the forward pass, in place of the probabilities. For training
    only: the reported loss has the precision of a bfloat16 probability.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        gradient = torch.softmax(logits, dim=-1)
        index = targets.unsqueeze(-1)
        chosen = gradient.gather(-1, index)
        gradient.scatter_(-1, index, chosen - 1.0)
        ctx.save_for_backward(gradient.mul_(1.0 / len(targets)))
        return -chosen.float().clamp_min(1e-30).log().mean()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad, None


class Llama(nn.Module):
    """Token ids, [batch, position], to logits, [batch, position, vocabulary]."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        cos, sin = rope_tables(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.apply(self._initialise)

    def _initialise(self, module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        for name, weight in module.named_parameters(recurse=False):
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.data.mul_(1.0 / math.sqrt(2 * self.config.num_hidden_layers))

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        x = self.embed_tokens(tokens)
        # Under autocast the tables and the mask take the type of the projections.
        kind = torch.get_autocast_cpu_dtype() if torch.is_autocast_cpu_enabled() else x.dtype
        cos, sin = self.cos[:length].to(kind), self.sin[:length].to(kind)
        mask = torch.full((length, length), -math.inf, dtype=kind).triu(1)
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        return F.linear(self.norm(x), self.embed_tokens.weight)
