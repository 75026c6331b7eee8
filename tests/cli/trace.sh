#!/bin/bash
# kerf run --trace as a user meets it: every rank on one clock, what it did inside its steps, and bad paths.
#   trace.sh KERF MODEL
set -euo pipefail
kerf=$1 model=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "FAILED: $*"
  exit 1
}
run() { "$kerf" run "$model" --prompt-ids 1,2,3,4,5,6,7,8 --max-tokens 12 --ignore-eos --threads 1 --json "$@"; }

plain=$(run --tp 2 --pp 2 | jq -c .ids)
traced=$(run --tp 2 --pp 2 --trace "$work/trace.json" | jq -c .ids)
[[ $plain == "$traced" ]] || fail "tracing changes the answer"

query() { jq -r "$1" "$work/trace.json"; }
[[ $(query '[.[] | select(.name == "thread_name") | .args.name] | sort | join(";")') == \
  "stage 0, tp rank 0;stage 0, tp rank 1;stage 1, tp rank 0;stage 1, tp rank 1" ]] || fail "a row per rank"
# 8 prompt tokens, then 11 more steps of one; every rank takes part in each. The stop has no tokens.
for rank in 0 1 2 3; do
  [[ $(query "[.[] | select(.ph == \"X\" and .tid == $rank and .name == \"step\") | .args.tokens | select(. > 0)] | join(\",\")") == \
    8,1,1,1,1,1,1,1,1,1,1,1 ]] || fail "the steps of rank $rank"
done
# Two sums a layer in four layers of each stage, inside "forward".
[[ $(query '[.[] | select(.name == "all_reduce" and .tid == 3 and .args.group == "tp")] | length') -ge $((2 * 4 * 12)) ]] ||
  fail "the sums of rank 3"
[[ $(query '[.[] | select(.name == "sample")] | length') == 12 ]] || fail "one sampling a step"
# On one clock: the last stage's forward pass of a step begins after the first stage's.
[[ $(query '[.[] | select(.name == "forward")] | group_by(.args.step) |
  map((map(select(.tid == 2))[0].ts) >= (map(select(.tid == 0))[0].ts)) | all') == true ]] || fail "the clocks"
[[ $(query '[.[] | select(.ph == "X") | .dur >= 0] | all') == true ]] || fail "a span of negative length"

# A path that cannot be: one sentence, before anything is computed.
if run --trace "$work/none/trace.json" >"$work/out" 2>"$work/err"; then fail "a missing folder went unnoticed"; fi
[[ $(wc -l <"$work/err") == 1 && ! -s $work/out ]] || fail "$(cat "$work/err")"
grep -q -- "--trace $work/none/trace.json: cannot be created" "$work/err" || fail "$(cat "$work/err")"
# A disk that fills: one sentence, and the answer is there.
[[ $(run --trace /dev/full 2>"$work/err" | jq -c .ids) == "$plain" ]] || fail "a full disk spoils the answer"
grep -q -- "--trace /dev/full: cannot be written: No space left" "$work/err" || fail "$(cat "$work/err")"
echo "traces: fine"
