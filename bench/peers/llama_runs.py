"""llama.cpp, measured by its own benchmarks, at the faster of its ways to load a model."""

import contextlib
import functools
import json
import socket
import subprocess
import time

import models
import settings

LOAD_MODES = ("none", "mmap")


def llama_bench(test, quantization, load_mode, threads, depth):
    kind, tokens = test.split()
    counts = {"prefill": ("-p", tokens, "-n", 0), "decode": ("-p", 0, "-n", tokens)}[kind]
    command = [settings.llama_cpp("llama-bench"), "-m", models.gguf(models.random_model(), quantization), *counts, "-d",
               depth, "-t", threads, "-r", 1, "-lm", load_mode, "-fa", "on", "-o", "json"]
    return json.loads(settings.output_of(command))[0]["avg_ts"]


def batched_bench(quantization, threads, load_mode, batch, depth, tokens, extra=()):
    command = [settings.llama_cpp("llama-batched-bench"), "-m", models.gguf(models.random_model(), quantization), "-c",
               batch * (depth + tokens), "-npp", depth, "-ntg", tokens, "-npl", batch, "-t", threads, "-lm", load_mode,
               "-fa", "on", "--output-format", "jsonl", *extra]
    lines = [line for line in settings.output_of(command).splitlines() if line.startswith("{")]
    return json.loads(lines[0])["speed_tg"]


@functools.cache
def best_load_mode(run, *args):
    return max(LOAD_MODES, key=lambda mode: run(*args[:2], mode, *args[2:]))


def rate(test, quantization="none", threads=2, depth=None):
    if depth is None:
        depth = 128 if test.startswith("decode") else 0
    mode = best_load_mode(llama_bench, test, quantization, threads, min(depth, 128))  # whatever the depth
    return llama_bench(test, quantization, mode, threads, depth)


def batch_rate(quantization, batch, depth=128, tokens=32, threads=2):
    mode = best_load_mode(batched_bench, quantization, threads, batch, depth, tokens)
    return batched_bench(quantization, threads, mode, batch, depth, tokens)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, server, deadline_s=20):
    end = time.monotonic() + deadline_s
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise settings.Missing(f"ggml-rpc-server does not answer on port {port}")


def stop(servers):
    for server in servers:
        server.terminate()
    for server in servers:
        server.wait(timeout=20)


@contextlib.contextmanager
def rpc_stages(count):
    """`count` RPC servers of one thread each, as addresses."""
    ports = [free_port() for _ in range(count)]
    servers = [subprocess.Popen([*settings.PREFIX, settings.llama_cpp("ggml-rpc-server"), "-t", "1", "-p", str(port)],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for port in ports]
    try:
        for port, server in zip(ports, servers):
            wait_for(port, server)
        yield [f"127.0.0.1:{port}" for port in ports]
    finally:
        stop(servers)


def pipeline_rate(quantization, batch, depth=128, tokens=32):
    with rpc_stages(2) as stages:
        return batched_bench(quantization, 1, "none", batch, depth, tokens,
                             ("--rpc", ",".join(stages), "-ngl", 99, "-ts", "1,1"))
