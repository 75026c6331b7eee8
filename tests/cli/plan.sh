#!/bin/bash
# kerf plan as a user meets it: one sentence for bad input, JSON that parses, commands that a shell can read.
#   plan.sh KERF MODEL
set -euo pipefail
kerf=$1 model=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# expect STATUS SENTENCE ARGUMENT…: SENTENCE is a pattern of the whole line.
expect() {
  local want=$1 sentence=$2 status=0
  shift 2
  timeout 60 "$kerf" plan "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
  # shellcheck disable=SC2053
  if [[ $status != "$want" || -s $dir/out || $(wc -l <"$dir/err") != 1 || $(cat "$dir/err") != $sentence ]]; then
    echo "FAILED: kerf plan $*: status $status, not $want; stderr: $(cat "$dir/err")"
    failed=1
  fi
}
check() {
  local what=$1
  shift
  if ! "$@"; then
    echo "FAILED: $what"
    failed=1
  fi
}

h100=(--gpu H100-SXM)
expect 2 "kerf: MODEL is required*"
expect 1 "kerf: no machine to plan for*--gpu*" Llama-3.1-70B
expect 1 "kerf: the catalogue has no GPU 'H9'*" Llama-3.1-70B --gpu H9
expect 1 "kerf: model 'no-such-model'*" no-such-model "${h100[@]}"
expect 1 "kerf: *'q9' is unknown*" Llama-3.1-70B "${h100[@]}" --quantization q9
expect 1 "kerf: engine 'tgi'*" Llama-3.1-70B "${h100[@]}" --engine tgi
expect 1 "kerf: *4104 devices*4096 at most*" Llama-3.1-70B "${h100[@]}" --nodes 513
expect 1 "kerf: --isl 200000*131072 positions*" Llama-3.1-70B "${h100[@]}" --isl 200000
expect 1 "kerf: $dir/none: no such file*" Llama-3.1-70B --machine "$dir/none"
expect 2 "kerf: --emit: tgi not in*" Llama-3.1-70B "${h100[@]}" --emit tgi
expect 2 "kerf: *excludes*" Llama-3.1-70B "${h100[@]}" --rate 1 --concurrency 2
for bad in 0 -1 nan inf 1e999 x; do
  for flag in --isl --osl --concurrency --rate --slo-ttft-ms --slo-tpot-ms; do
    expect 2 "kerf: $flag: *number above 0*" Llama-3.1-70B "${h100[@]}" "$flag=$bad"
  done
done
for bad in -1 nan inf x; do
  expect 2 "kerf: --price: *" Llama-3.1-70B "${h100[@]}" "--price=$bad"
done
for bad in 0 -3 1.5 x 99999999999; do
  for flag in --gpus-per-node --nodes --top; do
    expect 2 "kerf: *" Llama-3.1-70B "${h100[@]}" "$flag=$bad"
  done
done

# What doesn't fit anywhere fails, and says why on both streams.
if "$kerf" plan Llama-3.1-70B "${h100[@]}" --gpus-per-node 1 >"$dir/out" 2>"$dir/err"; then
  echo "FAILED: 141 GB fit one H100"
  failed=1
fi
check "the reason is missing" grep -q "GB are missing" "$dir/out"

"$kerf" plan Llama-3.1-70B "${h100[@]}" --json --concurrency 16 --emit vllm >"$dir/plan.json"
check "no JSON" python3 - "$dir/plan.json" <<'PYTHON'
import json, sys
document = json.load(open(sys.argv[1]))
best = document["plans"][0]
assert {"tp", "pp", "dp", "ep", "fits", "why"} <= best.keys(), best
assert all(plan["why"] for plan in document["rejected"])
assert document["commands"].startswith(("vllm serve", "CUDA_VISIBLE_DEVICES", "VLLM_PP")), document["commands"]
PYTHON

# A model that ships with kerf, and every engine's commands.
for engine in vllm sglang trtllm kerf; do
  "$kerf" plan "$model" "${h100[@]}" --nodes 2 --isl 128 --osl 64 --concurrency 64 --emit "$engine" >"$dir/commands"
  check "$engine: no shell commands" bash -n "$dir/commands"
  check "$engine: no model" grep -qF "$(basename "$model")" "$dir/commands"
done
"$kerf" plan --help | grep -q "kerf plan Llama-3.1-70B --gpu H100-SXM" || failed=1
exit $failed
