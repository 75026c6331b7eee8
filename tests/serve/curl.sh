#!/usr/bin/env bash
# curl.sh TEST_SERVER: the API as curl sees it.
set -euo pipefail
here=$(dirname "$0")
source "$here/with_server.sh"
command -v curl >/dev/null || { echo "skipped: there is no curl"; exit 77; }

failures=0
# expect WHAT PART TEXT
expect() {
  if [[ $3 != *"$2"* ]]; then
    echo "$1: expected '$2' in: $3" >&2
    failures=$((failures + 1))
  fi
}

check() {
  local url=http://127.0.0.1:$PORT key="Authorization: Bearer test-key" json="Content-Type: application/json"
  ask() { curl -sS --max-time 60 -H "$key" -H "$json" "$@"; }

  expect models '"id":"tiny"' "$(ask "$url/v1/models")"
  expect health '"status":"ready"' "$(curl -sS "$url/health")"
  expect "no key" 'invalid_api_key' "$(curl -sS -H "$json" -d '{"prompt":"x"}' "$url/v1/completions")"
  expect completion '"text":"Once upon"' "$(ask -d '{"model":"tiny","prompt":"Once upon"}' "$url/v1/completions")"
  expect chat '"content":"[user]Hi[assistant]"' \
    "$(ask -d '{"messages":[{"role":"user","content":"Hi"}]}' "$url/v1/chat/completions")"
  expect stream 'data: [DONE]' \
    "$(ask -N -d '{"messages":[{"role":"user","content":"Hi"}],"stream":true}' "$url/v1/chat/completions")"
  expect "a form" 'application/json' "$(curl -sS -H "$key" -d 'prompt=x' "$url/v1/completions")"
  expect "wrong method" 405 "$(ask -o /dev/null -w '%{http_code}' "$url/v1/completions")"
  expect head '200 OK' "$(ask -I "$url/health")"

  # curl asks for 100-continue before it sends this much, and must not be let to send it all.
  head -c 100000000 /dev/zero | tr '\0' x >"$scratch/large"
  expect "a body of 100 MB" 413 "$(ask -o /dev/null -w '%{http_code}' --data-binary "@$scratch/large" "$url/v1/completions" || true)"
  printf '{"prompt":"%s","max_tokens":1}' "$(head -c 300000 /dev/zero | tr '\0' x)" >"$scratch/fits"
  expect "a body of 300 kB" '"prompt_tokens":300000' "$(ask --data-binary "@$scratch/fits" "$url/v1/completions")"

  # A client that gives up is noticed.
  ask --max-time 0.2 -d '{"prompt":"x","max_tokens":300000,"ignore_eos":true}' "$url/v1/completions" >/dev/null 2>&1 || true
  local open=1
  for _ in {1..100}; do
    open=$(curl -sS "$url/test/open")
    [[ $open == 0 ]] && break
    sleep 0.1
  done
  expect "sequences of a client that left" 0 "$open"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
with_server "$1" check
((failures == 0))
