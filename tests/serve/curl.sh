#!/usr/bin/env bash
# curl.sh KERF MODEL: the API as curl sees it.
set -euo pipefail
source "$(dirname "$0")/with_server.sh"
command -v curl >/dev/null || { echo "skipped: there is no curl"; exit 77; }

failures=0
# expect WHAT PART TEXT
expect() {
  if [[ $3 != *"$2"* ]]; then
    echo "$1: expected '$2' in: $3" >&2
    failures=$((failures + 1))
  fi
}

ask() { curl -sS --max-time 60 -H 'Authorization: Bearer test-key' -H 'Content-Type: application/json' "$@"; }

# shows PATTERN: the line of /metrics that matches it, waited for; nothing when none comes.
shows() {
  for _ in {1..600}; do
    curl -sS "$URL/metrics" -H 'Authorization: Bearer test-key' | grep "$1" && break
    sleep 0.05
  done
}

check() {
  local chat='"messages":[{"role":"user","content":"Hi"}],"max_tokens":5'

  expect completion '"completion_tokens":5' "$(ask -d '{"model":"tales","prompt":"Once upon","max_tokens":5}' "$URL/v1/completions")"
  expect chat '"content":" ' "$(ask -d "{$chat}" "$URL/v1/chat/completions")"
  expect stream 'data: [DONE]' "$(ask -N -d "{$chat,\"stream\":true}" "$URL/v1/chat/completions")"
  expect models '"id":"tales"' "$(ask "$URL/v1/models")"
  expect health '"status":"ready"' "$(curl -sS "$URL/health")"
  expect head '200 OK' "$(ask -I "$URL/health")"
  expect "no key" 'invalid_api_key' "$(curl -sS -H 'Content-Type: application/json' -d '{"prompt":"x"}' "$URL/v1/completions")"
  expect "a form" 'application/json' "$(curl -sS -H 'Authorization: Bearer test-key' -d 'prompt=x' "$URL/v1/completions")"
  expect "wrong method" 405 "$(ask -o /dev/null -w '%{http_code}' "$URL/v1/completions")"

  # curl asks for 100-continue before it sends this much, and must not be let to send it all.
  head -c 100000000 /dev/zero | tr '\0' x >"$scratch/large"
  expect "a body of 100 MB" 413 "$(ask -o /dev/null -w '%{http_code}' --data-binary "@$scratch/large" "$URL/v1/completions" || true)"
  printf '{"prompt":"Once","max_tokens":1,"metadata":{"note":"%s"}}' "$(head -c 300000 /dev/zero | tr '\0' x)" >"$scratch/fits"
  expect "a body of 300 kB" '"completion_tokens":1' "$(ask --data-binary "@$scratch/fits" "$URL/v1/completions")"
  printf '{"prompt":"%s"}' "$(head -c 300000 /dev/zero | tr '\0' x)" >"$scratch/long"
  expect "a prompt of 300 kB" context_length_exceeded "$(ask --data-binary "@$scratch/long" "$URL/v1/completions")"

  # A client that gives up is noticed: none of its 32,000 tokens is wanted any more.
  curl -sS -H 'Authorization: Bearer test-key' -H 'Content-Type: application/json' \
    -d '{"prompt":"x","n":64,"max_tokens":500,"ignore_eos":true}' "$URL/v1/completions" >"$scratch/unread" 2>&1 &
  local client=$!
  shows 'num_requests_running{.*} [1-9]' >/dev/null
  kill "$client"
  local aborted
  aborted=$(shows 'request_success_total{.*"abort".* 64$')
  expect "sequences of a client that left" ' 64' "$aborted"
  ((failures == 0))
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
with_server "$1" "$2" check
