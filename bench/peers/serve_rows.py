"""The rows of bench/serve_peers.sh, by piece. Targets are those of the project's plan."""

import json
import os

import kerf_runs
import models
import servers
import settings
from pairs import Recorded, Row

SIXTEEN = ("--input", 64, "--output", 64)


def llama_best(quantization, clients, tokens_each, *load):
    """A run with as many slots as clients, or 8, whichever gave more in a first try."""
    def run(slots):
        with servers.llama(quantization, slots, tokens_each) as port:
            return servers.load(port, clients, *load)
    tried = {}

    def best():
        if not tried:
            for slots in sorted({8, clients}):
                tried[slots] = run(slots)["output_tokens_per_s"]
        return run(max(tried, key=tried.get))
    return best


def kerf_run(clients, *load, flags=(), **model):
    with servers.kerf(*flags, **model) as port:
        return servers.load(port, clients, *load)


def clients():
    ours = Recorded(lambda: kerf_run(16, 48, *SIXTEEN, quantization="int8"))
    theirs = Recorded(llama_best("int8", 16, 160, 48, *SIXTEEN))
    yield Row("16 clients, 64 in / 64 out, int8 vs Q8_0", "llama-server", 3.0,
              lambda: ours.run()["output_tokens_per_s"], lambda: theirs.run()["output_tokens_per_s"])
    yield Row("the same, p99 TPOT", "llama-server", 1.0, lambda: ours.next()["tpot_ms"]["p99"],
              lambda: theirs.next()["tpot_ms"]["p99"], unit="ms", smaller_is_better=True)


def goodput():
    """Each pair's SLO is a multiple of llama-server's medians: the least that half of its requests keep."""
    if "TRACE" not in os.environ:
        raise settings.Missing("TRACE is not set: a CSV of TIMESTAMP,ContextTokens,GeneratedTokens")
    load = (96, "--trace", os.environ["TRACE"], "--scale", 0.125, "--longest", 512)
    llama = llama_best("int4", 64, 576, *load)
    latest = {}

    def good(summary):
        ttft, tpot, slack = latest["slo"]
        kept = [one for one in summary["samples"] if one["ttft_ms"] <= slack * ttft and one["tpot_ms"] <= slack * tpot]
        return len(kept) / summary["seconds"]

    def ours():
        theirs = latest["theirs"] = llama()
        ttft, tpot = theirs["ttft_ms"]["p50"], theirs["tpot_ms"]["p50"]
        slacks = sorted(max(one["ttft_ms"] / ttft, one["tpot_ms"] / tpot) for one in theirs["samples"])
        latest["slo"] = ttft, tpot, slacks[(len(slacks) - 1) // 2]
        return good(kerf_run(64, *load, quantization="int4"))
    yield Row("64 clients, lengths of a trace, int4 vs Q4_0: goodput", "llama-server", 2.0, ours,
              lambda: good(latest["theirs"]), unit="requests/s")


def prefix():
    load = (1, 32, "--shared-prefix", 1024, "--input", 1056, "--output", 2)
    ttft = lambda *flags: kerf_run(*load, quantization="int8", flags=flags)["ttft_ms"]["p50"]  # noqa: E731
    yield Row("32 requests that share 1 k tokens, int8: TTFT", "kerf, no prefix cache", 5.0, ttft,
              lambda: ttft("--no-enable-prefix-caching"), unit="ms", smaller_is_better=True)


def idle():
    tpot = lambda *flags: kerf_run(32, 64, *SIXTEEN, *flags, quantization="int8")["tpot_ms"]["p50"]  # noqa: E731
    yield Row("32 clients beside 1,000 idle connections, int8: TPOT", "kerf, no idle connections", 0.95,
              lambda: tpot("--idle", 1000), tpot, unit="ms", smaller_is_better=True)


def predicted(cut):
    command = [settings.kerf(), "plan", models.random_model(), "--machine", os.environ["KERF_MACHINE"], "--isl", 64,
               "--osl", 64, "--concurrency", 16, "--quantization", "int8", "--top", 100, "--json"]
    for plan in json.loads(settings.output_of(command))["plans"]:
        if all(plan[axis] == (2 if axis == cut else 1) for axis in ("tp", "pp", "dp")):
            return plan["tokens_per_s"]
    raise settings.Missing(f"kerf plan has no plan of {cut} 2 on that machine")


def cuts():
    if not os.path.exists(os.environ.get("KERF_MACHINE", "")):
        raise settings.Missing("KERF_MACHINE is not set: a file of kerf probe, made on this machine")
    for cut in ("tp", "pp", "dp"):
        expected = predicted(cut)

        def agreement(cut=cut, expected=expected):
            rate = kerf_run(16, 48, *SIXTEEN, quantization="int8", flags=(f"--{cut}", 2, "--threads", 1))
            return min(rate["output_tokens_per_s"] / expected, expected / rate["output_tokens_per_s"])
        yield Row(f"{cut} 2 x 1 thread: agreement with the prediction", f"predicted {expected:.0f} tokens/s", 0.9,
                  agreement, lambda: 1.0, unit="")


def overhead():
    def microseconds():
        with servers.kerf("--tp", 1, "--threads", 1, model=settings.TALES) as port:
            summary = servers.load(port, 1, 16, "--input", 64, "--output", 128, "--vocab", 4096)
        alone = kerf_runs.bench("decode 128", threads=1, depth=64, model=settings.TALES)
        return summary["tpot_ms"]["p50"] * 1e3 - 1e6 / alone["tokens_per_s"]
    yield Row("shipped model, 1 client: front and scheduler, a token", "the bound", 1.0, microseconds, lambda: 150.0,
              unit="us", smaller_is_better=True)


PIECES = {piece.__name__: piece for piece in (clients, goodput, prefix, idle, cuts, overhead)}
