#!/bin/bash
# The server as a user meets it: starts, answers as kerf run does, survives its ranks, reads keys again, refuses what
# cannot be, ends when told to.
#   serve.sh KERF MODEL
set -euo pipefail
kerf=$1 model=$2
dir=$(mktemp -d)
server=''
trap 'if [[ -n $server ]]; then kill -9 "$server" 2>/dev/null || true; fi; rm -rf "$dir"' EXIT

fail() {
  echo "FAILED: $*"
  cat "$dir/out" "$dir/err"
  exit 1
}

# start FLAG…: waits until the server says its URL.
start() {
  : >"$dir/out"  # the URL of the server before is none of this one's
  "$kerf" serve "$model" --port 0 --timeout 5 "$@" >"$dir/out" 2>"$dir/err" &
  server=$!
  for _ in {1..600}; do
    url=$(sed -n 's/^kerf serves .* at //p' "$dir/out")
    [[ -n $url ]] && return
    kill -0 "$server" 2>/dev/null || fail "the server ended"
    sleep 0.1
  done
  fail 'no URL after a minute'
}

# complete FLAG…: the text that the server continues a story with.
complete() {
  curl -sS --max-time 60 "$url/v1/completions" -H 'Content-Type: application/json' "$@" \
    -d '{"model": "kerf-tales-7m", "prompt": "Once upon a time", "max_tokens": 100, "temperature": 0}' |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["choices"][0]["text"])'
}

ended() { # STATUS
  local status=0
  wait "$server" || status=$?
  server=''
  [[ $status == "$1" ]] || fail "it ended with status $status, not $1"
}

expected=$("$kerf" run "$model" -p 'Once upon a time' --max-tokens 100 --tp 1 2>/dev/null)

# One engine: the server's answer is that of kerf run, whatever the cut.
start --tp 2 --trace "$dir/trace.json" --log-format json
[[ $(complete) == "$expected" ]] || fail "another answer: $(complete)"
# The curl line that it prints works.
line=$(sed -n 's/^  curl/curl -sS/p' "$dir/out")
answer=$(eval "$line")
grep -q '"choices"' <<<"$answer" || fail 'the printed curl line does not work'
# A rank that dies, while a stream runs, is not noticed by the client.
rank=$(sed -n 's/.*"pids":\[\([0-9]*\).*/\1/p' "$dir/err")
complete >"$dir/answer" &
client=$!
sleep 0.02
kill -9 "$rank"
wait "$client"
[[ $(cat "$dir/answer") == "$(complete)" ]] || fail 'the stream was not what it should have been'
# What happens can be seen: in figures, in a page, in the log.
metrics=$(curl -sS "$url/metrics")
grep -q '^vllm:generation_tokens_total{.*} [1-9]' <<<"$metrics" || fail 'no tokens in /metrics'
grep -q '^kerf:replica_restarts_total{.*} 1$' <<<"$metrics" || fail 'no restart in /metrics'
grep -qi '<!doctype html>' <<<"$(curl -sS "$url/")" || fail 'no page'
id=$(grep -o '"id":"cmpl-[^"]*"' <<<"$answer") # in the log each request has the name that its client knows
grep -q "\"event\":\"request\",$id,.*\"finish\":" "$dir/err" || fail "no line of the request with $id"
[[ $(grep -c ready "$dir/err") == 2 && $(grep -c down "$dir/err") == 1 ]] || fail 'an event of a replica is one line'
# It drains, and leaves one trace of the front and the ranks.
kill -TERM "$server"
ended 0
python3 - "$dir/trace.json" <<'PYTHON' || fail 'the trace is not whole'
import json, sys
names = {e["args"]["name"] for e in json.load(open(sys.argv[1])) if e["ph"] == "M" and e["name"] == "process_name"}
assert names == {"front", "replica 0"}, names
PYTHON
[[ $(ls "$dir" | grep -c trace.json) == 1 ]] || fail 'parts of the trace are left'

# Keys are read again at SIGHUP.
echo one >"$dir/keys"
loopback=127.0.0.1
if grep -qs ' lo$' /proc/net/if_inet6; then loopback=::1; fi
start --tp 1 --host "$loopback" --api-key-file "$dir/keys"
[[ $(curl -s -o /dev/null -w '%{http_code}' "$url/v1/models" -H 'Authorization: Bearer one') == 200 ]] || fail 'key one'
echo two >"$dir/keys"
kill -HUP "$server"
for _ in {1..100}; do
  code=$(curl -s -o /dev/null -w '%{http_code}' "$url/v1/models" -H 'Authorization: Bearer two')
  [[ $code == 200 ]] && break
  sleep 0.05
done
[[ $code == 200 ]] || fail 'key two'
[[ $(curl -s -o /dev/null -w '%{http_code}' "$url/v1/models" -H 'Authorization: Bearer one') == 401 ]] || fail 'key one is old'

# A port that is taken: one sentence, status 1.
port=${url##*:}
if "$kerf" serve "$model" --host "$loopback" --port "$port" --tp 1 >"$dir/out2" 2>"$dir/err2"; then fail 'two servers on one port'; fi
[[ $(grep -c . "$dir/err2") == 1 && $(cat "$dir/err2") == kerf:*"$port"* ]] || fail "of a port taken it says: $(cat "$dir/err2")"
# Too few files that may be open, likewise.
if (ulimit -n 20 && exec "$kerf" serve "$model" --port 0 --tp 1) 2>"$dir/err2"; then fail 'twenty open files'; fi
[[ $(grep -c . "$dir/err2") == 1 && $(cat "$dir/err2") == kerf:*'ulimit -n' ]] || fail "of few files it says: $(cat "$dir/err2")"
# A model that is not there, likewise.
if "$kerf" serve /nowhere --port 0 --tp 1 2>"$dir/err2"; then fail 'a model from nowhere'; fi
[[ $(grep -c . "$dir/err2") == 1 && $(cat "$dir/err2") == kerf:*/nowhere* ]] || fail "of no model it says: $(cat "$dir/err2")"
kill -INT "$server"
ended 0
