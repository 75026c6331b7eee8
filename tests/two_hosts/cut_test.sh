#!/bin/bash
# One model on two hosts: the digest of one process, under cuts whose groups cross the wire.
#   cut_test.sh KERF MODEL
set -euo pipefail
kerf=$1 model=$2
fail() { echo "FAILED: $*"; exit 1; }
ids=0,300,301,302,303,304,305,306,307,308
digest() { "$kerf" score "$model" --prompt-ids "$ids" --threads 1 --json "$@" | jq -r .logits_sha256; }

expected=$(digest)
one=${KERF_TWO_HOSTS//:8/:1} two=${KERF_TWO_HOSTS//:8/:2}
[[ $(digest --tp 2 --hosts "$one") == "$expected" ]] || fail "tp 2 over two hosts has other bits"
[[ $(digest --pp 2 --hosts "$one") == "$expected" ]] || fail "pp 2 over two hosts has other bits"
[[ $(digest --tp 2 --pp 2 --hosts "$two") == "$expected" ]] || fail "tp 2 pp 2 over two hosts has other bits"
[[ $(digest --tp 3 --sp --hosts "$two") == "$expected" ]] || fail "tp 3 sp over two hosts has other bits"

# A killed rank ends the job on both hosts, with one sentence and status 1.
"$kerf" run "$model" -p x --max-tokens 400 --ignore-eos --tp 2 --hosts "$one" >/dev/null 2>/tmp/cut_test.$$ &
launcher=$!
victim=
for _ in {1..100}; do
  victim=$(pgrep -f "run $model -p x --max-tokens 400" | while read -r pid; do
    tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx OMPI_COMM_WORLD_RANK=1 && echo "$pid"
  done | head -n 1) || true
  [[ -n $victim ]] && break
  sleep 0.05
done
[[ -n $victim ]] || fail "no rank 1 to be seen"
kill -KILL "$victim"
status=0
wait $launcher || status=$?
said=$(cat /tmp/cut_test.$$)
rm -f /tmp/cut_test.$$
[[ $status == 1 && $(wc -l <<<"$said") == 1 && $said == kerf:* ]] || fail "a killed rank gave status $status and: $said"
echo "two hosts: one answer, one end"
