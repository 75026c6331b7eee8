"""Trains the model on the CPU until a deadline of the wall clock.

Usage: train.py --deadline 2026-01-31T18:00 [--data build/train] [--out build/train]

Writes `train.log` and `checkpoint.pt` to the output folder and resumes from the latter.
While it runs it reads `control.json` there, with any of
    {"threads": 2, "nice": 0, "deadline": "2026-01-31T17:00", "decay": 0.4}
so that the machine can be shared and the decay of the learning rate, which takes the last
40 % of the time here, brought forward.
"""

from __future__ import annotations

import argparse
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

from bpe import BEGIN_ID
from model import Config, Llama
from windows import Progress, Windows
from workers import Workers, keep_freed_memory

# Usual values for models of this size; the batch is small because the tokens are few.
PEAK_RATE, WEIGHT_DECAY, CLIP_NORM = 1.5e-3, 0.1, 1.0
WARMUP_STEPS = 150
BATCH_TOKENS = 4096
# Short windows are cheaper; the decay then accustoms the model to its full length.
CONTEXT, DECAY_CONTEXT = 256, Config.max_position_embeddings
LOG_STEPS = 20
SAVE_SECONDS, EVALUATE_SECONDS = 180, 900
# While training, every 8th held-out passage is scored, which takes a few seconds.
EVALUATE_EVERY = 8


@dataclass
class Control:
    """What may be changed while the run goes on."""

    threads: int
    nice: int
    deadline: float  # seconds since the epoch
    decay: float  # share of the run's time in which the learning rate falls to zero

    def reload(self, path: Path) -> None:
        """Takes over what the control file says, unless it is half-written, and applies it."""
        try:
            wish = json.loads(path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            wish = {}
        self.threads = int(wish.get("threads", self.threads))
        self.nice = int(wish.get("nice", self.nice))
        self.decay = float(wish.get("decay", self.decay))
        if "deadline" in wish:
            self.deadline = parse_time(wish["deadline"])
        for thread in os.listdir("/proc/self/task"):
            os.setpriority(os.PRIO_PROCESS, int(thread), self.nice)


def parse_time(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 time, UTC unless it says otherwise."""
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()


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


def learning_rate(step: int, fall: float) -> float:
    """Warmup, then the peak, then proportional to `fall`, the share of the decay left."""
    return PEAK_RATE * min(1.0, (step + 1) / WARMUP_STEPS, max(0.0, fall))


class Run:
    """A training run with its files: the log, the control file and the checkpoint."""

    def __init__(self, data: Path, out: Path, control: Control) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.control = control
        self.control_file = out / "control.json"
        self.checkpoint = out / "checkpoint.pt"
        self.log_file = (out / "train.log").open("a", buffering=1)
        self.held_out = json.loads((data / "held_out.json").read_text())
        torch.manual_seed(1)
        self.model = Llama(Config())
        self.optimizer = make_optimizer(self.model)
        self.progress = Progress(context=CONTEXT)
        if self.checkpoint.exists():
            self.resume()
        self.windows = Windows(np.fromfile(data / "train.u16", dtype=np.uint16), self.progress)
        self.workers = Workers(self.model)

    def log(self, text: str) -> None:
        print(f"{datetime.now(timezone.utc):%H:%M:%S} {text}", file=self.log_file)

    def resume(self) -> None:
        saved = torch.load(self.checkpoint)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.progress = Progress(**saved["progress"])
        self.log(f"resumed at step {self.progress.step}")

    def save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": asdict(self.progress),
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def evaluate(self, every: int) -> None:
        nats, bits = evaluate(self.model, self.held_out[::every])
        self.log(f"held out: loss {nats:.4f} perplexity {math.exp(nats):.2f} bits/byte {bits:.4f}")

    def step(self, rate: float) -> float:
        """One update of the weights; returns the loss before it."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = self.workers.accumulate(self.windows.batch(BATCH_TOKENS))
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        self.optimizer.step()
        self.progress.step += 1
        self.progress.tokens += BATCH_TOKENS
        return loss

    def train(self) -> None:
        """Takes steps until the deadline."""
        saved_at = evaluated_at = logged_at = now = time.time()
        losses: list[float] = []
        while now < self.control.deadline:
            self.control.reload(self.control_file)
            self.workers.resize(self.control.threads)
            left = self.control.deadline - now
            fall = left / (self.control.decay * (self.progress.seconds + left))
            if fall < 1:
                self.windows.use_context(DECAY_CONTEXT)
            rate = learning_rate(self.progress.step, fall)
            losses.append(self.step(rate))

            before, now = now, time.time()
            self.progress.seconds += now - before
            if len(losses) == LOG_STEPS:
                speed = LOG_STEPS * BATCH_TOKENS / (now - logged_at)
                self.log(
                    f"step {self.progress.step} epoch {self.progress.epoch} tokens {self.progress.tokens} "
                    f"loss {np.mean(losses):.4f} rate {rate:.2e} {speed:.0f} tokens/s"
                )
                losses, logged_at = [], now
            if now - saved_at > SAVE_SECONDS:
                self.save()
                saved_at = now
            if now - evaluated_at > EVALUATE_SECONDS:
                self.evaluate(EVALUATE_EVERY)
                evaluated_at = now
        self.save()
        self.log(f"done after {self.progress.seconds:.0f} seconds and {self.progress.tokens} tokens")
        self.evaluate(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("build/train"))
    parser.add_argument("--out", type=Path, default=Path("build/train"))
    parser.add_argument("--deadline", type=parse_time, required=True, help="end of the run, ISO 8601, UTC")
    parser.add_argument("--decay", type=float, default=0.25, help="share of the time for the decay")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--nice", type=int, default=os.getpriority(os.PRIO_PROCESS, 0))
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    control = Control(options.threads, options.nice, options.deadline, options.decay)
    Run(options.data, options.out, control).train()


if __name__ == "__main__":
    main()
