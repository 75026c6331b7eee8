"""Trains the model on the CPU until a deadline of the wall clock.

Usage: train.py --deadline 2026-01-31T18:00 [--data build/train] [--out build/train]

Writes `train.log` and `checkpoint.pt` to the output folder and resumes from the latter.
While it runs it reads `control.json` there, with any of
    {"threads": 2, "nice": 0, "deadline": "2026-01-31T17:00"}
so that the machine can be shared and the decay of the learning rate brought forward.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bpe import BEGIN_ID
from model import Config, Llama, TokenLoss

PEAK_RATE = 1.5e-3
WARMUP_STEPS = 150
DECAY_FRACTION = 0.22
WEIGHT_DECAY = 0.1
CONTEXT, DECAY_CONTEXT = 256, 512
BATCH_TOKENS = 4096
CONTROL_STEPS, LOG_STEPS = 20, 20
SAVE_SECONDS, EVALUATE_SECONDS = 300, 900
EVALUATION_SAMPLE = 8


@dataclass
class Progress:
    """Where the run stands; saved with each checkpoint."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    epoch: int = 0
    next_window: int = 0
    context: int = CONTEXT


@dataclass
class Control:
    """What may be changed while the run goes on."""

    threads: int
    nice: int
    deadline: float

    def reload(self, path: Path) -> None:
        """Takes over what the control file says, and applies it."""
        if path.exists():
            wish = json.loads(path.read_text())
            self.threads = int(wish.get("threads", self.threads))
            self.nice = int(wish.get("nice", self.nice))
            if "deadline" in wish:
                self.deadline = parse_time(wish["deadline"])
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        for thread in os.listdir("/proc/self/task"):
            os.setpriority(os.PRIO_PROCESS, int(thread), self.nice)


def keep_freed_memory() -> None:
    """Tells glibc not to return freed tensors to the kernel: page faults cost a third."""
    m_trim_threshold, m_mmap_threshold, largest = -1, -3, 2**31 - 1
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_threshold, largest)
    libc.mallopt(m_trim_threshold, largest)


def parse_time(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 time, UTC unless it says otherwise."""
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()


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

    def batch(self) -> Tensor:
        """The next windows, [window, context + 1]."""
        at, count = self.progress.next_window, BATCH_TOKENS // self.progress.context
        if at + count > len(self.starts):
            self.progress.epoch += 1
            self.start_epoch()
            at = 0
        self.progress.next_window = at + count
        rows = [self.tokens[s : s + self.progress.context + 1] for s in self.starts[at : at + count]]
        return torch.from_numpy(np.stack(rows).astype(np.int64))


def training_loss(model: Llama, tokens: Tensor) -> Tensor:
    """Mean cross entropy of the tokens of [batch, position] but the first, in nats."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(tokens[:, :-1])
    return TokenLoss.apply(logits.flatten(0, 1), tokens[:, 1:].flatten())


@torch.no_grad()
def evaluate(model: Llama, held_out: list[dict]) -> tuple[float, float]:
    """Mean loss per token, in nats, and bits per byte of passages that each follow BOS."""
    context = model.config.max_position_embeddings
    nats, count = 0.0, 0
    for passage in held_out:
        for at in range(0, len(passage["tokens"]), context):
            window = [BEGIN_ID, *passage["tokens"][at : at + context]]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(torch.tensor([window[:-1]]))[0]
            nats += F.cross_entropy(logits.float(), torch.tensor(window[1:]), reduction="sum").item()
            count += len(window) - 1
    return nats / count, nats / math.log(2) / sum(p["bytes"] for p in held_out)


def make_optimizer(model: Llama) -> torch.optim.AdamW:
    """AdamW; the norm weights are not decayed."""
    matrices = [p for p in model.parameters() if p.ndim == 2]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.95), foreach=True)


def decay_start(seconds: float, now: float, deadline: float) -> float:
    """The time at which the learning rate starts to fall, given the seconds spent so far."""
    return deadline - DECAY_FRACTION * (seconds + deadline - now)


def learning_rate(step: int, fall: float) -> float:
    """Warmup, then the peak, then proportional to `fall`, the share of the decay left."""
    return PEAK_RATE * min(1.0, (step + 1) / WARMUP_STEPS, max(0.0, fall))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("build/train"))
    parser.add_argument("--out", type=Path, default=Path("build/train"))
    parser.add_argument("--deadline", type=parse_time, required=True, help="end of the run, ISO 8601, UTC")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--nice", type=int, default=0)
    options = parser.parse_args()

    keep_freed_memory()
    options.out.mkdir(parents=True, exist_ok=True)
    log_file = (options.out / "train.log").open("a", buffering=1)

    def log(text: str) -> None:
        print(f"{datetime.now(timezone.utc):%H:%M:%S} {text}", file=log_file)

    control = Control(options.threads, options.nice, options.deadline)
    held_out = json.loads((options.data / "held_out.json").read_text())
    tokens = np.fromfile(options.data / "train.u16", dtype=np.uint16)

    torch.manual_seed(1)
    model = Llama(Config())
    optimizer = make_optimizer(model)
    progress = Progress()
    checkpoint = options.out / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        progress = Progress(**saved["progress"])
        log(f"resumed at step {progress.step}")
    windows = Windows(tokens, progress)

    def save() -> None:
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "progress": asdict(progress)}
        partial = checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(checkpoint)

    # The beginning of the decay must not drift, so it is fixed for a given deadline.
    planned_for, decay_from = math.nan, math.inf
    last = saved_at = evaluated_at = time.time()
    recent_loss, recent_seconds, recent_tokens = 0.0, 0.0, 0
    while True:
        if progress.step % CONTROL_STEPS == 0 or math.isnan(planned_for):
            control.reload(options.out / "control.json")
            if control.deadline != planned_for:
                planned_for = control.deadline
                decay_from = decay_start(progress.seconds, time.time(), control.deadline)
        now = time.time()
        if now >= control.deadline:
            break
        fall = (control.deadline - now) / (control.deadline - decay_from)
        rate = learning_rate(progress.step, fall)
        for group in optimizer.param_groups:
            group["lr"] = rate
        if now >= decay_from:
            windows.use_context(DECAY_CONTEXT)

        loss = training_loss(model, windows.batch())
        loss.backward()
        recent_loss += loss.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

        progress.step += 1
        progress.tokens += BATCH_TOKENS
        recent_tokens += BATCH_TOKENS
        now = time.time()
        progress.seconds += now - last
        recent_seconds += now - last
        last = now
        if progress.step % LOG_STEPS == 0:
            log(
                f"step {progress.step} epoch {progress.epoch} tokens {progress.tokens} "
                f"loss {recent_loss / LOG_STEPS:.4f} rate {rate:.2e} "
                f"{recent_tokens / recent_seconds:.0f} tokens/s"
            )
            recent_loss, recent_seconds, recent_tokens = 0.0, 0.0, 0
        if now - saved_at > SAVE_SECONDS:
            save()
            saved_at = now
        if now - evaluated_at > EVALUATE_SECONDS:
            nats, bits = evaluate(model, held_out[::EVALUATION_SAMPLE])
            log(f"held-out sample: loss {nats:.4f} perplexity {math.exp(nats):.2f} bits/byte {bits:.4f}")
            evaluated_at = now
    save()
    nats, bits = evaluate(model, held_out)
    log(
        f"done: step {progress.step} tokens {progress.tokens} seconds {progress.seconds:.0f} "
        f"held-out loss {nats:.4f} perplexity {math.exp(nats):.2f} bits/byte {bits:.4f}"
    )


if __name__ == "__main__":
    main()
