#!/bin/bash
# kerf lint as a user meets it: silence or findings, the exit status, hostile input.
#   lint.sh KERF
set -euo pipefail
kerf=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
node=(--gpu H100-SXM --gpus-per-node 8)

# expect STATUS OUT ERR ARGUMENT…: OUT and ERR are patterns of all of stdout and stderr.
expect() {
  local want=$1 out=$2 err=$3 status=0
  shift 3
  timeout 60 "$kerf" lint "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
  # shellcheck disable=SC2053
  if [[ $status != "$want" || $(cat "$dir/out") != $out || $(cat "$dir/err") != $err ]]; then
    echo "FAILED: kerf lint ${*:0:200}: status $status, not $want; stdout: $(head -c 2000 "$dir/out"); stderr: $(head -c 2000 "$dir/err")"
    failed=1
  fi
}

serve="vllm serve meta-llama/Llama-3.1-70B-Instruct --tensor-parallel-size"
expect 0 "" "" "${node[@]}" -- vllm serve meta-llama/Llama-3.1-70B-Instruct --tensor-parallel-size 8
expect 0 "" "" "${node[@]}" -- "$serve 8"
expect 1 "error: *[[]more-devices-than-exist[]]*instead: vllm serve *" "" "${node[@]}" -- "$serve 16"
expect 0 "warning: *predicted loss: * %*instead: $serve 8 *[[]*" "kerf: judged for *" "${node[@]}" --nodes 2 --network Ethernet-10G -- "$serve 16"
expect 0 '{*"findings": [[][]]*}' "" "${node[@]}" --json -- "$serve 8"
expect 1 '*"findings": [[]*"id": "unknown-parallel-flag"*"severity": "error"*"message": *"predicted_loss": 100*"fix": *' "" \
  "${node[@]}" --json -- vllm serve Llama-3.1-8B --tp 2

expect 2 "" "kerf: for which machine?*" -- "$serve 8"
expect 2 "" "kerf: no command to judge*" "${node[@]}"
expect 2 "" "kerf: no command to judge*" "${node[@]}" --
expect 2 "" "kerf: no serving command in ''*" "${node[@]}" -- ""
expect 2 "" "kerf: no serving command in 'ls -l'*" "${node[@]}" -- ls -l
expect 2 "" "kerf: model 'nobody/knows'*--model*" "${node[@]}" -- vllm serve nobody/knows
expect 2 "" "kerf: --isl is nan*" "${node[@]}" --isl nan -- "$serve 8"
expect 2 "" "kerf: *" "${node[@]}" --concurrency 0 -- "$serve 8"
head -c 100000 /dev/zero | tr '\0' 9 >"$dir/long"
expect 1 "error: --tensor-parallel-size is '9999*…9999*[[]invalid-value[]]*" "" "${node[@]}" -- "$serve $(cat "$dir/long")"
expect 1 "*error: *[[]more-devices-than-exist[]]*" "" "${node[@]}" -- "$serve 65536 -pp 65536 -dp 65536"
expect 2 "" "kerf: no serving command in '[']*…*" "${node[@]}" -- "$(tr 9 \' <"$dir/long") x"
exit $failed
