#!/bin/bash
# Outputs that a grammar guides, at temperature 1: valid for every seed, the same tokens over ranks.
#   guided.sh KERF MODEL
set -euo pipefail
kerf=$1 model=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/schema.json" <<'SCHEMA'
{"type": "object", "required": ["name", "age", "likes"],
 "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 20},
                "age": {"type": "integer", "minimum": 1, "maximum": 99},
                "likes": {"type": "array", "items": {"enum": ["cake", "the sea"]}, "maxItems": 2}}}
SCHEMA

cat >"$dir/judge.py" <<'PYTHON'
import json, sys
answer = json.load(sys.stdin)
assert answer["finish_reason"] == "stop", answer
value = json.loads(answer["text"])
assert list(value) == ["name", "age", "likes"], value
assert 1 <= len(value["name"]) <= 20 and 1 <= value["age"] <= 99, value
assert len(value["likes"]) <= 2 and set(value["likes"]) <= {"cake", "the sea"}, value
print(answer["ids"])
PYTHON

guided() {
  "$kerf" run "$model" -p "Once upon a time" --temperature 1 --max-tokens 150 --json --json-schema "$dir/schema.json" "$@" |
    python3 "$dir/judge.py"
}

for seed in 1 2 3 4 5 6 7 8; do guided --seed $seed --tp 1 >>"$dir/alone"; done
test "$(sort -u "$dir/alone" | wc -l)" -gt 4
for seed in 1 2; do guided --seed $seed --tp 2 --pp 2 >>"$dir/cut"; done
diff <(head -n 2 "$dir/alone") "$dir/cut"

# Other models' habits of ending early: no end before 20 tokens.
ids=$("$kerf" run "$model" -p "The end." --temperature 1 --max-tokens 40 --min-tokens 20 --logit-bias 1:100 --json --tp 1 |
  python3 -c 'import json, sys; print(len(json.load(sys.stdin)["ids"]))')
test "$ids" -eq 21
