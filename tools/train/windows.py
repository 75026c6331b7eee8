"""Cuts the token stream into shuffled windows, resumably."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass
class Progress:
    """Where the run stands; saved with each checkpoint."""

    context: int
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    epoch: int = 0
    next_window: int = 0


class Windows:
    """Batches of windows of the token stream in an order drawn anew for every epoch."""

    def __init__(self, tokens: np.ndarray, progress: Progress) -> None:
        self.tokens = tokens
        self.progress = progress
        self.start_epoch()

    def start_epoch(self) -> None:
        """Draws this epoch's offset and order; both depend on its number only."""
        draw = np.random.default_rng(self.progress.epoch)
        context = self.progress.context
        offset = draw.integers(context)
        self.starts = draw.permutation(np.arange(offset, len(self.tokens) - context - 1, context))

    def use_context(self, context: int) -> None:
        """Changes the length of the windows, which starts a new epoch."""
        if context != self.progress.context:
            self.progress.context = context
            self.progress.epoch += 1
            self.progress.next_window = 0
            self.start_epoch()

    def batch(self, tokens: int) -> Tensor:
        """The next windows, [window, context + 1], that predict `tokens` tokens in all."""
        at, count = self.progress.next_window, tokens // self.progress.context
        if at + count > len(self.starts):
            self.progress.epoch += 1
            self.start_epoch()
            at = 0
        self.progress.next_window = at + count
        rows = [self.tokens[s : s + self.progress.context + 1] for s in self.starts[at : at + count]]
        return torch.from_numpy(np.stack(rows).astype(np.int64))
