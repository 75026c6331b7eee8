"""kerf, measured by kerf bench."""

import json

import models
import settings


def bench(test, quantization="none", threads=2, batch=1, depth=128, cut=("--tp", "1"), model=None,
          warm_up=1):
    """test: "prefill 512" or "decode 48". Returns kerf bench's result for it, a dict."""
    kind, tokens = test.split()
    tests = {"prefill": "16", "decode": "1", kind: tokens}  # the other one has to be something
    command = [settings.kerf(), "bench", model or models.random_model(), *cut, "--threads", threads, "--quantization",
               quantization, "--prefill", tests["prefill"], "--decode", tests["decode"], "--batch", batch, "--depth",
               depth, "--repetitions", 1, "--warm-up", warm_up, "--json"]
    results = json.loads(settings.output_of(command))["results"]
    return next(result for result in results if result["test"] == test)


def rate(*args, **kwargs):
    return bench(*args, **kwargs)["tokens_per_s"]
