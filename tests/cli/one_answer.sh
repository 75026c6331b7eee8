#!/bin/bash
# kerf score as a user runs it, ranks as processes: one digest under 28 cuts.
#   one_answer.sh KERF MODEL [all | int8 | int4]
# Threads and chunks change from cut to cut; `all` tries every one of three thread counts and three
# chunk sizes with every cut, which takes minutes; int8 and int4 quantise the weights.
set -euo pipefail
kerf=$1 model=$2 what=${3:-}
quantization=none
if [[ $what == int* ]]; then quantization=$what; fi

cuts=(--tp\ {1,2,4,8}\ --pp\ {1,2,3,4})
cuts+=("--tp 2 --sp" "--tp 4 --pp 2 --sp" "--tp 8 --sp" "--tp 3" "--tp 5 --pp 2" "--tp 6 --sp" "--tp 7" "--pp 8"
  "--tp 2 --tp-weights 3,1" "--tp 3 --tp-weights 1,4,2 --sp" "--pp 2 --pp-layers 3,5" "--tp 2 --pp 3 --pp-layers 1,4,3")
threads=(1 2 3)
chunks=(11 32 512)

ids=0
for ((i = 1; i < 80; i++)); do ids+=,$((i * i * 37 % 4096)); done
digest() { "$kerf" score "$model" --quantization "$quantization" --prompt-ids "$ids" --json "$@" | jq -r .logits_sha256; }

expected=$(digest)
runs=0
for i in "${!cuts[@]}"; do
  read -ra cut <<<"${cuts[i]}"
  for t in "${!threads[@]}"; do
    for c in "${!chunks[@]}"; do
      if [[ $what != all ]] && (((i + t) % 3 != 0 || (i / 3 + c) % 3 != 0)); then continue; fi
      flags=("${cut[@]}" --threads "${threads[t]}" --max-num-batched-tokens "${chunks[c]}")
      got=$(digest "${flags[@]}")
      if [[ $got != "$expected" ]]; then
        echo "FAILED: ${flags[*]} gives $got, not $expected"
        exit 1
      fi
      runs=$((runs + 1))
    done
  done
done
echo "$runs runs over ${#cuts[@]} cuts: $expected"
