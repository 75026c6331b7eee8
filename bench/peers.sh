#!/usr/bin/env bash
# bench/peers.sh [PIECE…]     kerf beside llama.cpp and distributed-llama on the same weights, as one table
#
# Runs A B A B and prints the median of the ratios beside the target, met or not; without PIECE all of them, in half an
# hour. Builds and fetches nothing: what is missing it names. Let nothing else run.
#   decode prefill batch tp dllama pp long matmul quality      the pieces, each of minutes
#   MODELS=DIR        where models of random weights are made and kept (9 GB; default: a folder of the temporary ones)
#   LLAMA_CPP=DIR     llama-bench, llama-batched-bench, llama-quantize, llama-perplexity, ggml-rpc-server
#   DLLAMA=FILE       distributed-llama's dllama
#   TEXT=FILE         English text for the perplexities
#   KERF=FILE         default: build/release/src/kerf/apps/kerf
#   KERF_BENCH=DIR    read_bandwidth, kernel_bench; default: build/bench/bench
#   ROUNDS=5          pairs of runs
#   PREFIX="nice -n -12"   in front of every measuring command
#   JSON=FILE         appends every row, a line each, with all of its runs
set -euo pipefail
exec python3 "$(dirname "$0")/peers/main.py" rows "$@"
