#!/bin/bash
# What a user can get wrong on the command line: one sentence on stderr, nothing on stdout, exit 1 or 2.
#   bad_input.sh KERF MODEL
set -euo pipefail
kerf=$1 model=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# expect STATUS SENTENCE ARGUMENT…: SENTENCE is a pattern of the whole line.
expect() {
  local want=$1 sentence=$2 status=0
  shift 2
  timeout 60 "$kerf" "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
  # shellcheck disable=SC2053
  if [[ $status != "$want" || -s $dir/out || $(wc -l <"$dir/err") != 1 || $(cat "$dir/err") != $sentence ]]; then
    echo "FAILED: kerf $*: status $status, not $want; stderr: $(cat "$dir/err")"
    failed=1
  fi
}

expect 2 "kerf: A subcommand is required*"
expect 2 "kerf: MODEL is required*" run
expect 2 "kerf: --dtype: float8 not in*" run "$model" -p x --dtype float8
expect 2 "kerf: --temperature is nan*" run "$model" -p x --temperature nan
expect 2 "kerf: --json-schema: JSON Schema: 'not' at #/items is not supported*" run "$model" -p x \
  --json-schema '{"items": {"not": {}}}'
expect 2 "kerf: cannot read /no/such/file*" run "$model" -p x --json-schema /no/such/file
expect 2 "kerf: --json-object excludes --json-schema*" run "$model" -p x --json-schema '{}' --json-object
expect 2 "kerf: --logit-bias: '5' is no*" run "$model" -p x --logit-bias 5
expect 2 "kerf: --logit-bias of token 5 is 101*" run "$model" -p x --logit-bias 5:101
expect 2 "kerf: --min-tokens is -1*" run "$model" -p x --min-tokens -1
expect 1 "kerf: --logit-bias names token 9999*" run "$model" -p x --logit-bias 9999:1 --tp 2
expect 2 "kerf: nothing to score*" score "$model"
expect 2 "kerf: --hosts 'a:x'*" run "$model" -p x --tp 2 --hosts a:x
expect 1 "kerf: no-such-model: no such model directory*" run no-such-model -p x
expect 1 "kerf: tp 9 is too large*8 attention heads*" run "$model" -p x --tp 9
expect 1 "kerf: pp 9 is too large: the model has 8 layers" run "$model" -p x --pp 9
expect 1 "kerf: --pp-layers sums to 7*" run "$model" -p x --pp 2 --pp-layers 3,4
expect 1 "kerf: --prompt-ids: '1,x'*" run "$model" --prompt-ids 1,x
expect 1 "kerf: token id 9999 *" run "$model" --prompt-ids 1,9999
expect 1 "kerf: token id 9999 *" run "$model" --prompt-ids 1,9999 --tp 2 --pp 2
expect 1 "kerf: /dev/full: cannot be written*" score "$model" --prompt-ids 1,2 --logits-out /dev/full

cp -r "$model" "$dir/cut-off"
truncate -s 1000000 "$dir/cut-off/model.safetensors"
expect 1 "kerf: *model.safetensors*" run "$dir/cut-off" -p x
expect 1 "kerf: *model.safetensors*" run "$dir/cut-off" -p x --tp 2 --pp 2
cp -r "$model" "$dir/unknown"
sed -i 's/"model_type": *"llama"/"model_type": "mamba"/' "$dir/unknown/config.json"
expect 1 "kerf: *config.json*mamba*" run "$dir/unknown" -p x
cp -r "$model" "$dir/nan"
sed -i 's/"rms_norm_eps": *[^,]*/"rms_norm_eps": NaN/' "$dir/nan/config.json"
expect 1 "kerf: *config.json*NaN*" run "$dir/nan" -p x
mkdir "$dir/empty"
expect 1 "kerf: *config.json*" run "$dir/empty" -p x
exit $failed
