"""Where the programs and models are, from the environment (bench/peers.sh says which variables)."""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("ROUNDS", "5"))
REQUESTS = int(os.environ.get("REQUESTS", "0"))  # of a run of a server; 0: as many as the row says
PREFIX = shlex.split(os.environ.get("PREFIX", ""))
LONGEST_S = 600  # a run that lasts longer hangs, or the machine has other work
MODELS = pathlib.Path(os.environ.get("MODELS", pathlib.Path(tempfile.gettempdir()) / "kerf-random-models"))
TALES = ROOT / "models" / "kerf-tales-7m"


class Missing(Exception):
    """A program or file that a row needs; its sentence says what to set."""


def program(path, remedy):
    if not os.access(path, os.X_OK):
        raise Missing(f"{path} is not there: {remedy}")
    return str(path)


def kerf():
    return program(os.environ.get("KERF", ROOT / "build/release/src/kerf/apps/kerf"),
                   "tools/build release --target kerf, or set KERF")


def kerf_bench(name):
    folder = pathlib.Path(os.environ.get("KERF_BENCH", ROOT / "build/bench/bench"))
    return program(folder / name, f"tools/build bench --target {name}, or set KERF_BENCH")


def llama_cpp(name):
    if "LLAMA_CPP" not in os.environ:
        raise Missing("LLAMA_CPP is not set: the directory of llama.cpp's programs")
    return program(pathlib.Path(os.environ["LLAMA_CPP"]) / name, f"build llama.cpp's target {name}, with GGML_RPC=ON")


def dllama():
    if "DLLAMA" not in os.environ:
        raise Missing("DLLAMA is not set: distributed-llama's program dllama")
    return program(os.environ["DLLAMA"], "make dllama")


def output_of(command, merge_stderr=False, prefix=tuple(PREFIX)):
    """Standard output of a command; one that fails ends the benchmark with what it complained of."""
    try:
        done = subprocess.run([*prefix, *map(str, command)], stdout=subprocess.PIPE, text=True, timeout=LONGEST_S,
                              check=False, stderr=subprocess.STDOUT if merge_stderr else subprocess.PIPE)
    except subprocess.TimeoutExpired:
        sys.exit(f"{shlex.join(map(str, command))} did not end within {LONGEST_S} s")
    if done.returncode != 0:
        said = (done.stdout if merge_stderr else done.stderr).strip().splitlines()[-3:]
        sys.exit(f"{shlex.join(map(str, command))} failed:\n" + "\n".join(said))
    return done.stdout
