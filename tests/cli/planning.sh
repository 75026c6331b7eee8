#!/bin/bash
# Planning around `kerf run`, probing and bench, as a user meets them. Speeds do not matter, lines and files do.
#   planning.sh KERF MODEL
set -euo pipefail
kerf=$1 model=$2
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export XDG_CACHE_HOME=$dir/cache HOME=$dir
unset KERF_MACHINE
failed=0
check() {  # WHAT CONDITION…
  local what=$1
  shift
  if ! "$@"; then
    echo "FAILED: $what; stdout: $(head -c 300 "$dir/out"); stderr: $(cat "$dir/err")"
    failed=1
  fi
}
run() { timeout 100 "$kerf" "$@" >"$dir/out" 2>"$dir/err" </dev/null; }
lines_like() { [[ $(grep -c "$2" "$dir/err") == "$1" && $(wc -l <"$dir/err") == "$3" ]]; }
ids=(--prompt-ids 5,6,7 --max-tokens 4 --ignore-eos --json)

# A machine file.
run probe --tiny --ranks 2 -o "$dir/m.json"
check "the summary names the file" grep -q "$dir/m.json" "$dir/out"
check "the file holds collectives over both transports" \
  test "$(jq -c '[.host.collectives[].transport] | unique' "$dir/m.json")" = '["mpi","shm"]'
check "the file holds matmuls" test "$(jq '.host.matmul | length > 0' "$dir/m.json")" = true

# Without flags: one line with the choice on stderr, nothing but the document on stdout.
KERF_MACHINE=$dir/m.json run run "$model" "${ids[@]}"
check "the choice is one line" lines_like 1 '^kerf: cut: .*predicted' 1
check "stdout is one document" jq -e '.ids | length == 4' "$dir/out" >"$dir/jq"
run run "$model" "${ids[@]}" --machine "$dir/m.json"
check "--machine works like the variable" lines_like 1 '^kerf: cut: .*predicted' 1

# An override hears its price.
KERF_MACHINE=$dir/m.json run run "$model" "${ids[@]}" --pp 2
check "an override is priced in one line" lines_like 1 '^kerf: pp 2: .*predicted' 1

# Silence where planning is off, or nothing is known and the user has chosen.
KERF_MACHINE=off run run "$model" "${ids[@]}"
check "off is silent" lines_like 0 . 0
run run "$model" "${ids[@]}" --tp 1
check "an override measures nothing" lines_like 0 . 0
check "an override caches nothing" test ! -e "$dir/cache"

# The cache, and a broken one.
run probe --tiny --ranks 1
cached=$(find "$dir/cache/kerf" -name 'machine-*.json')
check "probe without -o fills the cache" test -n "$cached"
run run "$model" "${ids[@]}"
check "the cache is used" lines_like 1 '^kerf: cut:' 1
echo '{"half": ' >"$cached"
run run "$model" "${ids[@]}" --tp 1
check "a broken cache stops nobody" jq -e '.ids | length == 4' "$dir/out" >"$dir/jq"

# A machine file that is none, named by the user.
status=0
run run "$model" "${ids[@]}" --machine "$dir/none.json" || status=$?
check "a missing machine file is one sentence and status 1" test "$status $(wc -l <"$dir/err")" = "1 1"

# bench: its fields, prediction beside measurement.
run bench "$model" --machine "$dir/m.json" --tp 2 --prefill 16 --decode 4 --depth 8 --batch 1,3 --repetitions 1 --json
check "bench has four results" jq -e '[.results[] | [.test, .batch]] ==
  [["prefill 16", 1], ["decode 4", 1], ["prefill 16", 3], ["decode 4", 3]]' "$dir/out" >"$dir/jq"
check "every result has its figures" jq -e '[.results[] | .tokens_per_s > 0 and .predicted_tokens_per_s > 0 and
  .comm_fraction > 0 and .comm_fraction < 1 and .bytes_per_s > 0 and .limit_tokens_per_s > 0] | all' "$dir/out" >"$dir/jq"
check "the collectives' shares add up" jq -e '[.results[] | ([.comm[]] | add) - .comm_fraction | fabs < 1e-9] | all' \
  "$dir/out" >"$dir/jq"
KERF_MACHINE=off run bench "$model" --prefill 16 --decode 4 --depth 8 --batch 1 --repetitions 1 --json
check "without a machine the prediction is null" jq -e '.results[0].predicted_tokens_per_s == null' "$dir/out" >"$dir/jq"
exit $failed
