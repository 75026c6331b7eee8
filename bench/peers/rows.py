"""The rows, by piece. Targets are those of the project's plan: the ratio of kerf to its peer."""

import dllama_runs
import kerf_runs
import kernel_runs
import llama_runs
import models
import quality_runs
from bandwidth import Bracketed
from pairs import Recorded, Row

FORMATS = ("none", "int8", "int4")
KERF_NAME = {"none": "bf16", "int8": "int8", "int4": "int4"}


def beside(quantization):
    return f"{KERF_NAME[quantization]} vs {models.GGUF_TYPE[quantization]}"


def decode():
    for quantization, target in zip(FORMATS, (1.1, 1.35, 1.5)):
        yield Row(f"decode, 1 thread, {beside(quantization)}", "llama.cpp", target,
                  lambda q=quantization: kerf_runs.rate("decode 48", q, threads=1),
                  lambda q=quantization: llama_runs.rate("decode 48", q, threads=1))
    for quantization, target in zip(FORMATS, (1.0, 1.1, 1.1)):
        bracketed = Bracketed(quantization)
        yield Row(f"decode, 2 threads, {beside(quantization)}", "llama.cpp", target, bracketed.rate,
                  lambda q=quantization: llama_runs.rate("decode 48", q), note=bracketed.remark)


def prefill():
    for quantization, target in zip(FORMATS, (1.8, 5.0, 2.5)):
        yield Row(f"prefill 512, 2 threads, {beside(quantization)}", "llama.cpp", target,
                  lambda q=quantization: kerf_runs.rate("prefill 512", q),
                  lambda q=quantization: llama_runs.rate("prefill 512", q))


def batch():
    for quantization, target in zip(FORMATS, (1.8, 3.5, 2.5)):
        yield Row(f"decode, 16 sequences, 2 threads, {beside(quantization)}", "llama.cpp", target,
                  lambda q=quantization: kerf_runs.rate("decode 32", q, batch=16, depth=32),
                  lambda q=quantization: llama_runs.batch_rate(q, 16, depth=32))


def tp():
    cut = ("--tp", "2")
    for quantization in FORMATS:
        for test in ("decode 48", "prefill 512"):
            yield Row(f"tp 2 x 1 thread, {test.split()[0]}, {KERF_NAME[quantization]}", "kerf, 1 rank x 2 threads", 0.95,
                      lambda q=quantization, t=test: kerf_runs.rate(t, q, threads=1, cut=cut),
                      lambda q=quantization, t=test: kerf_runs.rate(t, q))


def pp():
    pipelined = lambda: kerf_runs.rate("decode 32", threads=1, batch=8, depth=32, cut=("--pp", "2"))  # noqa: E731
    yield Row("pp 2 x 1 thread, decode, 8 sequences, bf16", "kerf, 1 rank x 2 threads", 0.9, pipelined,
              lambda: kerf_runs.rate("decode 32", batch=8, depth=32))
    yield Row("pp 2 x 1 thread, decode, 8 sequences, bf16", "llama.cpp RPC, 2 x 1 thread", 1.8, pipelined,
              lambda: llama_runs.pipeline_rate("none", 8, depth=32))


def long():
    for quantization in ("none", "int4"):
        yield Row(f"decode at 8 k tokens, 2 threads, {beside(quantization)}", "llama.cpp", 1.2,
                  lambda q=quantization: kerf_runs.rate("decode 32", q, depth=8192, warm_up=0),
                  lambda q=quantization: llama_runs.rate("decode 32", q, depth=8192))


def dllama():
    cut = ("--tp", "2")
    theirs = Recorded(dllama_runs.rates)  # (prefill, decode)
    yield Row("tp 2 x 1 thread, decode, int4", "distributed-llama, 2 nodes x 1 thread, Q40", 2.0,
              lambda: kerf_runs.rate("decode 48", "int4", threads=1, depth=512, cut=cut), lambda: theirs.run()[1])
    yield Row("tp 2 x 1 thread, prefill, int4", "distributed-llama, 2 nodes x 1 thread, Q40", 6.0,
              lambda: kerf_runs.rate("prefill 512", "int4", threads=1, cut=cut), lambda: theirs.next()[0])


def matmul():
    yield Row("matmul bf16, M 512, K 2048, N 5632, 1 core", "oneDNN", 0.95, lambda: kernel_runs.kerf(1),
              kernel_runs.onednn, unit="GFLOP/s")
    yield Row("the same in the order of 16 slices", "kerf, one slice", 0.98, lambda: kernel_runs.kerf(16),
              lambda: kernel_runs.kerf(1), unit="GFLOP/s")


def quality():
    alone = {"unit": "", "smaller_is_better": True, "rounds": 1}
    yield Row("perplexity of kerf-tales-7m, bf16", "llama.cpp bf16", 0.999, lambda: quality_runs.kerf("none"),
              lambda: quality_runs.llama_cpp("none"), **alone)
    for quantization in ("int8", "int4"):
        for pure in (True, False):
            kind = models.GGUF_TYPE[quantization] + (" --pure" if pure else "")
            yield Row(f"perplexity of kerf-tales-7m, {quantization}", f"llama.cpp {kind}", 1.0,
                      lambda q=quantization: quality_runs.kerf(q),
                      lambda q=quantization, p=pure: quality_runs.llama_cpp(q, p), **alone)


PIECES = {piece.__name__: piece for piece in (decode, prefill, batch, tp, dllama, pp, long, matmul, quality)}
