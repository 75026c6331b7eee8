"""bench/peers.sh and bench/serve_peers.sh: see there. The first argument is the module that has the pieces."""

import datetime
import importlib
import json
import os
import sys

import settings
from pairs import run


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown CPU")


def figure(values):
    middle = sorted(values)[len(values) // 2]
    return f"{middle:.1f}" if middle < 1000 else f"{middle:.0f}"


def print_row(outcome):
    row = outcome.row
    spread = f"{min(outcome.ratios):.2f}-{max(outcome.ratios):.2f}"
    print(f"| {row.name} | {figure(outcome.ours)} | {row.peer}: {figure(outcome.theirs)} {row.unit} | "
          f"{outcome.ratio:.2f}x ({spread}) | {row.target:g}x | {'yes' if outcome.met else 'no'} | {outcome.remark} |",
          flush=True)


def keep(piece, outcome):
    if "JSON" not in os.environ:
        return
    with open(os.environ["JSON"], "a", encoding="utf-8") as file:
        print(json.dumps({"piece": piece, "row": outcome.row.name, "peer": outcome.row.peer, "kerf": outcome.ours,
                          "theirs": outcome.theirs, "ratio": outcome.ratio, "target": outcome.row.target,
                          "remark": outcome.remark}), file=file)


def main():
    known = importlib.import_module(sys.argv[1]).PIECES
    pieces = sys.argv[2:] or list(known)
    unknown = [piece for piece in pieces if piece not in known]
    if unknown:
        sys.exit(f"there is no piece '{unknown[0]}'; pieces are: {' '.join(known)}")
    print(f"{datetime.date.today()}, {os.cpu_count()} cores, {cpu_name()}; medians of {settings.ROUNDS} pairs\n")
    print("| | kerf | peer | ratio (least-most) | target | met | |\n|---|---|---|---|---|---|---|", flush=True)
    failed = False
    for piece in pieces:
        try:
            for row in known[piece]():
                outcome = run(row)
                print_row(outcome)
                keep(piece, outcome)
        except settings.Missing as missing:
            print(f"{piece}: {missing}", file=sys.stderr)
            failed = True
    sys.exit(1 if failed else 0)


main()
