#!/usr/bin/env bash
# openai_client.sh KERF MODEL MODULES: the API as OpenAI's own client for Node.js sees it.
#
# The client comes from the npm registry, once, into the folder MODULES; without Node.js or the registry the test is
# skipped.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/with_server.sh"
command -v node npm >/dev/null || { echo "skipped: there is no Node.js with npm"; exit 77; }

kerf=$(realpath "$1") model=$(realpath "$2") modules=$3
mkdir -p "$modules"
cp "$here/openai_client/"* "$modules"
cd "$modules"
if ! cmp -s package-lock.json installed.json; then
  if ! timeout 120 npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1; then
    echo "skipped: npm could not fetch the client: $(tail -n 1 npm.log)"
    exit 77
  fi
  cp package-lock.json installed.json
fi
with_server "$kerf" "$model" node --test client.test.mjs
