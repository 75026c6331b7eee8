#!/usr/bin/env bash
# page.sh PAGE_SERVER: the status page in headless Chromium, or a word why not (77: skipped). KERF_PAGE_SHOTS=DIR keeps
# pictures.
#
# playwright-core, which drives the browser, comes from the npm registry, once, into a folder beside the server's build.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
server=$(realpath "$1")
skip() {
  echo "skipped: $1"
  exit 77
}
command -v chromium >/dev/null || skip "there is no Chromium; tools/install-dependencies browser brings it"
command -v node npm >/dev/null || skip "there is no Node.js with npm"

modules=$(dirname "$server")/playwright
mkdir -p "$modules"
cp "$here"/package*.json "$here"/page.test.mjs "$modules"
cd "$modules"
if ! cmp -s package-lock.json installed.json; then
  timeout 200 npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 ||
    skip "npm could not fetch playwright-core: $(tail -n 1 npm.log)"
  cp package-lock.json installed.json
fi
CHROMIUM=$(command -v chromium) PAGE_SERVER=$server exec node --test --test-reporter=spec page.test.mjs
