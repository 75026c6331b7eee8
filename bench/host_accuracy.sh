#!/usr/bin/env bash
# bench/host_accuracy.sh [DIR]     how well the planner predicts kerf on this machine
#
# Makes three models of random weights (20 M, 150 M, 1.1 B parameters; 2.6 GB in DIR, kept), and for each runs kerf bench
# under every cut that does not oversubscribe two cores, with a probe before each model: this machine's speed changes
# between minutes. Prints predicted beside measured and the mean error, by model, test and cut. Let nothing else run.
#   KERF_PROBE="--quick"   probes of five seconds in place of 70
#   KERF_REPETITIONS=5     runs of each test
#   KERF_PREFIX="nice -n -12"   in front of every measuring command
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${1:-${TMPDIR:-/tmp}/kerf-random-models}
kerf=build/release/src/kerf/apps/kerf
repetitions=${KERF_REPETITIONS:-5}
read -ra prefix <<<"${KERF_PREFIX:-}"
read -ra probe <<<"${KERF_PROBE:-}"
tools/install-dependencies build
tools/build release --target kerf

# The same machine cut differently; threads fill the cores where the plan leaves some.
cuts=("--tp 1 --threads 1" "--tp 1 --threads 2" "--tp 2" "--pp 2" "--tp 2 --sp")
if (($(nproc) >= 4)); then cuts+=("--tp 4" "--pp 4" "--tp 2 --pp 2"); fi

results=$dir/results.jsonl
mkdir -p "$dir"
: >"$results"
measure() {  # MODEL CUT ARGUMENT…
  local model=$1 cut=$2 flags
  shift 2
  read -ra flags <<<"$cut"
  "${prefix[@]}" "$kerf" bench "$dir/$model" --machine "$dir/machine.json" "${flags[@]}" \
    --repetitions "$repetitions" --json "$@" 2>/dev/null |
    jq -c --arg model "$model" --arg cut "$cut" '.dtype as $dtype | .results[] | . + {model: $model, cut: $cut, dtype: $dtype}' |
    tee -a "$results" |
    jq -r '[.model, .cut, .dtype, .test, .batch, .tokens_per_s, .predicted_tokens_per_s, .error * 100, .spread * 100] | @tsv' |
    LC_ALL=C awk -F'\t' '{ printf "%-5s %-19s %-9s %-12s %5d %10.1f %10.1f %+7.1f %7.1f\n", $1, $2, $3, $4, $5, $6, $7, $8, $9 }'
}

printf '%-5s %-19s %-9s %-12s %5s %10s %10s %7s %7s\n' model cut dtype test batch tokens/s predicted 'error %' 'spread %'
for model in 20m 150m 1.1b; do
  [[ -e $dir/$model/config.json ]] || tools/make_random_model.py "$model" "$dir/$model" >&2
  "${prefix[@]}" "$kerf" probe "${probe[@]}" -o "$dir/machine.json" >/dev/null 2>&1
  prefill=128,512 batch=1,4,16
  if [[ $model == 1.1b ]]; then prefill=128 batch=1,4; fi
  for cut in "${cuts[@]}"; do
    measure "$model" "$cut" --prefill "$prefill" --decode 32 --batch "$batch"
  done
  if [[ $model == 150m ]]; then
    for dtype in float32 float16; do
      measure "$model" "--tp 2" --dtype "$dtype" --prefill 128 --decode 32 --batch 1
    done
  fi
done

jq -rs '
  def mean: (map(.error | fabs) | add / length * 100 * 10 | round / 10);
  def by(f): group_by(f) | map("  \(.[0] | f): \(mean) % over \(length)") | .[];
  "", "mean error by model", by(.model), "by test", by(.test), "by cut", by(.cut), "",
  "all \(length) points: mean error \(mean) %, median \(map(.error | fabs) | sort | .[length / 2 | floor] * 1000 | round / 10) %"
' "$results"
