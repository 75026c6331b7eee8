"""The rows of bench/serve_peers.sh, by piece. Targets are those of the project's plan."""

import json
import os
import statistics
import time

import models
import servers
import settings
from pairs import Recorded, Row

SIXTEEN = ("--input", 64, "--output", 64)


def llama_best(quantization, clients, tokens_each, requests, *load):
    """A run with as many slots as clients, or 8, whichever gave more in a first try with half of the requests."""
    def run(slots, count):
        with servers.llama(quantization, slots, tokens_each) as port:
            return servers.load(port, clients, count, *load)
    tried = {}

    def best():
        if not tried:
            for slots in sorted({8, clients}):
                tried[slots] = run(slots, max(1, requests // 2))["output_tokens_per_s"]
        return run(max(tried, key=tried.get), requests)
    return best


def kerf_run(clients, requests, *load, flags=(), **model):
    with servers.kerf(*flags, **model) as port:
        return servers.load(port, clients, requests, *load)


def clients():
    requests = settings.REQUESTS or 32
    ours = Recorded(lambda: kerf_run(16, requests, *SIXTEEN, quantization="int8"))
    theirs = Recorded(llama_best("int8", 16, 160, requests, *SIXTEEN))
    yield Row("16 clients, 64 in / 64 out, int8 vs Q8_0", "llama-server", 3.0,
              lambda: ours.run()["output_tokens_per_s"], lambda: theirs.run()["output_tokens_per_s"])
    yield Row("the same, p99 TPOT", "llama-server", 1.0, lambda: ours.next()["tpot_ms"]["p99"],
              lambda: theirs.next()["tpot_ms"]["p99"], unit="ms", smaller_is_better=True)


def goodput():
    """Each pair's SLO is a multiple of llama-server's medians: the least that half of its requests keep."""
    if "TRACE" not in os.environ:
        raise settings.Missing("TRACE is not set: a CSV of TIMESTAMP,ContextTokens,GeneratedTokens")
    load = (settings.REQUESTS or 96, "--trace", os.environ["TRACE"], "--scale", 0.125, "--longest", 512)
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
    load = (1, settings.REQUESTS or 32, "--shared-prefix", 1024, "--input", 1056, "--output", 2)
    ttft = lambda *flags: kerf_run(*load, quantization="int8", flags=flags)["ttft_ms"]["p50"]  # noqa: E731
    yield Row("32 requests that share 1 k tokens, int8: TTFT", "kerf, no prefix cache", 5.0, ttft,
              lambda: ttft("--no-enable-prefix-caching"), unit="ms", smaller_is_better=True)


def idle():
    load = (32, settings.REQUESTS or 64, *SIXTEEN)
    tpot = lambda *flags: kerf_run(*load, *flags, quantization="int8")["tpot_ms"]["p50"]  # noqa: E731
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
        rates = []

        def agreement(cut=cut, expected=expected, rates=rates):
            summary = kerf_run(16, settings.REQUESTS or 48, *SIXTEEN, quantization="int8",
                               flags=(f"--{cut}", 2, "--threads", 1))
            rates.append(summary["output_tokens_per_s"])
            return min(rates[-1] / expected, expected / rates[-1])
        yield Row(f"{cut} 2 x 1 thread: agreement with the prediction", f"predicted {expected:.0f} tokens/s", 0.9,
                  agreement, lambda: 1.0, unit="",
                  note=lambda rates=rates: f"{statistics.median(rates):.0f} tokens/s measured")


def beside_steps(port, tokens=256):
    """Microseconds of a token, as one client sees them, beside those of its step on the engine."""
    count, seconds = servers.steps(port)
    summary = servers.load(port, 1, 1, "--input", 1, "--output", tokens, "--vocab", 4096)  # as many steps as tokens
    end = time.monotonic() + 10
    while (now := servers.steps(port))[0] < count + tokens:  # the replica tells at its next report
        if time.monotonic() > end:
            raise settings.Missing(f"kerf's /metrics counted {now[0] - count:.0f} steps for {tokens} tokens")
        time.sleep(0.1)
    return summary["tpot_ms"]["p50"] * 1e3 - (now[1] - seconds) / (now[0] - count) * 1e6


def overhead():
    """The plan is kerf's own choice, as for whoever runs it."""
    def microseconds():
        with servers.kerf(model=settings.TALES) as port:
            return statistics.median(beside_steps(port) for _ in range(settings.REQUESTS or 16))
    yield Row("shipped model, 1 client: front and scheduler, a token", "the bound", 1.0, microseconds, lambda: 150.0,
              unit="us", smaller_is_better=True)


PIECES = {piece.__name__: piece for piece in (clients, goodput, prefix, idle, cuts, overhead)}
