"""Runs in pairs, A B A B …, since a machine's speed drifts: what is compared ran one after the other."""

import dataclasses
import statistics
import sys

import settings


@dataclasses.dataclass
class Row:
    name: str
    peer: str
    target: float  # of ours / theirs
    ours: object  # () → a figure
    theirs: object
    unit: str = "tokens/s"
    smaller_is_better: bool = False  # then the target is of theirs / ours
    note: object = None  # (ours: [figure]) → a remark on kerf's runs
    rounds: int = settings.ROUNDS


@dataclasses.dataclass
class Outcome:
    row: Row
    ours: list
    theirs: list
    remark: str = ""

    @property
    def ratios(self):
        pairs = zip(self.ours, self.theirs)
        return [b / a if self.row.smaller_is_better else a / b for a, b in pairs]

    @property
    def ratio(self):
        return statistics.median(self.ratios)

    @property
    def met(self):
        return self.ratio >= self.row.target


def run(row):
    outcome = Outcome(row, [], [])
    for turn in range(row.rounds):
        outcome.ours.append(row.ours())
        outcome.theirs.append(row.theirs())
        print(f"\r{row.name}: {turn + 1} of {row.rounds}, {outcome.ratio:.2f}x ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if row.note:
        outcome.remark = row.note()
    return outcome
