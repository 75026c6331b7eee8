# with_server KERF MODEL COMMAND…: runs COMMAND with $URL that of a `kerf serve` that lives as long as it does. The model is
# served as tales and org/tales, to those who have test-key, in chat_template.jinja, since it has no template of its own.
with_server() (
  templates=$(dirname "${BASH_SOURCE[0]}") kerf=$1 model=$(realpath "$2")
  shift 2
  dir=$(mktemp -d) server=''
  trap 'if [[ -n $server ]]; then kill -9 "$server" 2>/dev/null || true; fi; rm -rf "$dir"' EXIT
  mkdir "$dir/model"
  ln -s "$model"/* "$dir/model"
  cp "$templates/chat_template.jinja" "$dir/model"
  "$kerf" serve "$dir/model" --served-model-name tales org/tales --api-key test-key --port 0 --tp 1 --threads 1 \
    >"$dir/out" 2>"$dir/err" &
  server=$!
  for _ in {1..600}; do
    URL=$(sed -n 's/^kerf serves .* at //p' "$dir/out")
    [[ -n $URL ]] && break
    sleep 0.1
  done
  export URL
  status=0
  "$@" || status=$?
  kill -TERM "$server"
  wait "$server" || status=1
  server=''
  if ((status != 0)); then cat "$dir/out" "$dir/err" >&2; fi
  exit "$status"
)
