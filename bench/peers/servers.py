"""Servers under test, each a context that yields the port where it answers and ends with the block."""

import contextlib
import http.client
import json
import subprocess
import tempfile
import time

import llama_runs
import models
import settings

START_S = 180  # a server that loads for longer is taken for dead


def healthy(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def started(command, port):
    words = [str(word) for word in command]
    said = tempfile.TemporaryFile()  # not a pipe, which would be full after some hundred lines of log
    server = subprocess.Popen([*settings.PREFIX, *words], stdout=subprocess.DEVNULL, stderr=said)
    try:
        end = time.monotonic() + START_S
        while not healthy(port):
            if server.poll() is not None:
                said.seek(0)
                raise settings.Missing(f"{words[0]} ended: " + said.read().decode()[-300:].strip())
            if time.monotonic() > end:
                raise settings.Missing(f"{words[0]} did not answer on /health within {START_S} s")
            time.sleep(0.1)
        yield port
    finally:
        llama_runs.stop([server])
        said.close()


def kerf(*flags, model=None, quantization="none"):
    port = llama_runs.free_port()
    return started([settings.kerf(), "serve", model or models.random_model(), "--port", port, "--quantization",
                    quantization, *flags], port)


def llama(quantization, slots, tokens_each):
    """Without its caches of prompts: no two that it is asked begin alike, and keeping them takes time."""
    port = llama_runs.free_port()
    load_mode = llama_runs.best_load_mode(llama_runs.batched_bench, quantization, 2, 16, 64, 16)
    return started([settings.llama_cpp("llama-server"), "-m", models.gguf(models.random_model(), quantization), "--port",
                    port, "-t", 2, "-lm", load_mode, "-np", slots, "-c", slots * tokens_each, "-fa", "on", "-cb",
                    "--no-cache-prompt", "--cache-ram", 0, "--no-ui"], port)


def steps(port):
    """(number, seconds) of a kerf server's steps until now, as its replicas have told."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return tuple(sum(float(line.split()[-1]) for line in lines if line.startswith(f"kerf:step_seconds_{part}{{"))
                 for part in ("count", "sum"))


def load(port, clients, requests, *flags):
    """serve_load's summary. A request that failed ends the benchmark: its speed would mean nothing."""
    command = [settings.kerf_bench("serve_load"), "--port", port, "--clients", clients, "--requests", requests, "--json",
               "--samples", *flags]
    return json.loads(settings.output_of(command))
