"""The matmul of bench/kernel_bench.cc: bf16, M = 512, K = 2048, N = 5632, one core."""

import json

import settings

SHAPE = "bf16/m:512"


def flop_rate(name):
    command = [settings.kerf_bench("kernel_bench"), f"--benchmark_filter=^matmul/{name}/", "--benchmark_format=json"]
    for result in json.loads(settings.output_of(command) or '{"benchmarks": []}')["benchmarks"]:
        return result["flop_rate"] / 1e9
    raise settings.Missing(f"kernel_bench has no matmul/{name} on this machine")


def kerf(slices):
    return flop_rate(f"avx512/{SHAPE}/slices:{slices}")


def onednn():
    return flop_rate(f"onednn/{SHAPE}")
