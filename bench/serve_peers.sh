#!/usr/bin/env bash
# bench/serve_peers.sh [PIECE…]     kerf serve beside llama-server on the same weights and requests, as one table
#
# Runs A B A B and prints the median of the ratios beside the target, met or not. Builds and fetches nothing: what is
# missing it names. Let nothing else run.
#   clients    16 clients, 64 tokens in and out, int8 vs Q8_0
#   goodput    64 clients, lengths of a trace, int4 vs Q4_0, under the SLO that llama-server meets for half of them
#   prefix     32 requests that share 1 k tokens, kerf's prefix cache on and off
#   idle       32 clients, with and without 1,000 idle connections
#   cuts       tp 2, pp 2, dp 2 beside the planner's prediction
#   overhead   the shipped model and one client: its time for a token less the engine's for the step, by /metrics
# The variables of bench/peers.sh, where LLAMA_CPP has llama-server and KERF_BENCH serve_load, and
#   TRACE=FILE   CSV of TIMESTAMP,ContextTokens,GeneratedTokens
#   KERF_MACHINE=FILE   made on this machine by kerf probe: what the predictions of cuts are of
#   REQUESTS=N   of each run, in place of the row's own number: to see that all is there
set -euo pipefail
ulimit -n "$(ulimit -Hn)"
exec python3 "$(dirname "$0")/peers/main.py" serve_rows "$@"
