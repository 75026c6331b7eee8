"""kerf's decoding on two threads between two readings of what memory gives at that moment."""

import statistics

import kerf_runs
import settings


def read_bandwidth(threads=2):
    """bytes/s"""
    return float(settings.output_of([settings.kerf_bench("read_bandwidth"), threads])) * 1e9


class Bracketed:
    def __init__(self, quantization):
        self.quantization = quantization
        self.fractions = []  # of the read bandwidth

    def rate(self):
        before = read_bandwidth()
        result = kerf_runs.bench("decode 48", self.quantization)
        around = (before + read_bandwidth()) / 2
        self.fractions.append(result["bytes_per_s"] / around)
        return result["tokens_per_s"]

    def remark(self):
        fraction = statistics.median(self.fractions)
        return f"{fraction:.0%} of the read bandwidth around it (90 % wanted)"
