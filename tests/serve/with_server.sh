# with_server PROGRAM COMMAND...: runs COMMAND with $PORT set to the port of a test server that lives as long as it does.
with_server() {
  local program=$1
  shift
  coproc SERVER { exec "$program"; }
  local pid=$SERVER_PID
  read -r -t 20 PORT <&"${SERVER[0]}" || { echo "the test server did not start" >&2; return 1; }
  export PORT
  local status=0
  "$@" || status=$?
  eval "exec ${SERVER[1]}>&-"  # the end of its input ends it
  wait "$pid" || { echo "the test server failed" >&2; return 1; }
  return "$status"
}
