"""Runs in pairs, A B A B …, since a machine's speed drifts: what is compared ran one after the other."""

import dataclasses
import statistics
import sys

import settings


class Recorded:
    """Runs of which more than one row takes its figures: the first row runs them, later ones walk through them again."""

    def __init__(self, measure):
        self.measure = measure
        self.results = []
        self.walked = 0

    def run(self):
        self.results.append(self.measure())
        return self.results[-1]

    def next(self):
        self.walked += 1
        return self.results[self.walked - 1]


@dataclasses.dataclass
class Row:
    name: str
    peer: str
    target: float  # of ours / theirs
    ours: object  # () → a figure
    theirs: object
    unit: str = "tokens/s"
    smaller_is_better: bool = False  # then the target is of theirs / ours
    note: object = None  # () → a remark on kerf's runs
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
