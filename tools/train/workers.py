"""Computes the gradient of a batch on several threads of a shared machine."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import torch
from torch import Tensor

from model import Llama, TokenLoss

# Small enough that a thread slowed down by other programs does not hold up the batch.
PART_TOKENS = 1024


def keep_freed_memory() -> None:
    """Tells glibc not to return freed tensors to the kernel: page faults cost a third."""
    m_trim_threshold, m_mmap_threshold, largest = -1, -3, 2**31 - 1
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_threshold, largest)
    libc.mallopt(m_trim_threshold, largest)


class Workers:
    """Threads that each take parts of a batch through a replica of the model.

    The replicas share their weights and have gradients of their own. Threads that meet once
    per step lose far less to other programs on the machine than threads that split every
    operation do.
    """

    def __init__(self, model: Llama) -> None:
        self.model = model
        self.replicas: list[Llama] = []
        self.pool = ThreadPoolExecutor()

    def resize(self, count: int) -> None:
        """Sets the number of threads."""
        if count == len(self.replicas):
            return
        self.pool.shutdown()
        self.pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
        self.replicas = [Llama(self.model.config) for _ in range(count)]
        for replica in self.replicas:
            for weight, shared in zip(replica.parameters(), self.model.parameters()):
                weight.data = shared.data

    def accumulate(self, tokens: Tensor) -> float:
        """Leaves the gradient of the mean loss in the model; returns the loss in nats."""
        parts = tokens.split(max(1, PART_TOKENS // (tokens.shape[1] - 1)))
        idle = SimpleQueue()
        for replica in self.replicas:
            replica.zero_grad(set_to_none=True)
            idle.put(replica)

        def run(part: Tensor) -> float:
            replica = idle.get()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = replica(part[:, :-1])
            loss = TokenLoss.apply(logits.flatten(0, 1), part[:, 1:].flatten()) * (len(part) / len(tokens))
            loss.backward()
            idle.put(replica)
            return loss.item()

        total = sum(self.pool.map(run, parts))
        for weight, *copies in zip(self.model.parameters(), *(r.parameters() for r in self.replicas)):
            gradients = [copy.grad for copy in copies if copy.grad is not None]
            weight.grad = gradients[0] if len(gradients) == 1 else torch.stack(gradients).sum(0)
        return total
