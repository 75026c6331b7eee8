"""distributed-llama on two nodes of one thread, here, measured by its own `inference`."""

import re
import subprocess

import llama_runs
import models
import settings

PROMPT_TOKENS = 512
TOKENS = 48


def rates():
    """(prefill, decode) tokens/s"""
    model, tokenizer = models.dllama()
    port = llama_runs.free_port()
    worker = subprocess.Popen([*settings.PREFIX, settings.dllama(), "worker", "--port", str(port), "--nthreads", "1"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        # It puts <s> before a prompt of which each byte is a token.
        said = settings.output_of([settings.dllama(), "inference", "--model", model, "--tokenizer", tokenizer, "--prompt",
                                   "a" * (PROMPT_TOKENS - 1), "--steps", PROMPT_TOKENS + TOKENS, "--workers",
                                   f"127.0.0.1:{port}", "--nthreads", 1, "--buffer-float-type", "q80", "--max-seq-len",
                                   1024], merge_stderr=True)
    finally:
        llama_runs.stop([worker])
    found = re.findall(r"tokens/s: ([0-9.]+)", said)
    if len(found) != 2:
        raise settings.Missing("dllama inference printed no rates; it said: " + said.strip()[-200:])
    return float(found[0]), float(found[1])
