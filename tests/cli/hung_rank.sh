#!/bin/bash
# A rank that hangs, at its start or later: the deadline ends the job, with one sentence and status 1.
#   hung_rank.sh KERF MODEL
set -euo pipefail
kerf=$1 model=$2
said=$(mktemp)
trap 'rm -f "$said"' EXIT

# hang SECONDS: stops rank 1 so long after it is first seen.
hang() {
  "$kerf" run "$model" -p "$$ $1" --max-tokens 490 --ignore-eos --tp 2 --timeout 2 >/dev/null 2>"$said" &
  local launcher=$! victim='' status=0
  for _ in {1..200}; do
    for pid in $(pgrep -f -- "-p $$ $1 --max-tokens"); do
      if tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx OMPI_COMM_WORLD_RANK=1; then victim=$pid; fi
    done
    [[ -n $victim ]] && break
    sleep 0.01
  done
  sleep "$1"
  if kill -STOP "$victim" 2>/dev/null; then
    wait $launcher || status=$?
    if [[ $status != 1 || $(wc -l <"$said") != 1 || $(cat "$said") != kerf:* ]]; then
      echo "FAILED: rank 1 stopped after $1 s: status $status and: $(cat "$said")"
      exit 1
    fi
  else
    wait $launcher  # it was done before it could be stopped
  fi
}
for seconds in 0 0.05 0.3 0.8; do hang "$seconds"; done
