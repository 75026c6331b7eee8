#!/bin/bash
# The collectives and the launcher between two hosts.
#   comm_test.sh COMM_RANKS COMM_LAUNCHED
set -euo pipefail
fail() { echo "FAILED: $*"; exit 1; }

# Two ranks on each host, placed by mpirun itself.
KERF_EXPECT_KIND=mpi mpirun --allow-run-as-root --oversubscribe --bind-to none \
  --mca plm_rsh_agent "$KERF_LAUNCH_AGENT" --host "$KERF_TWO_HOSTS" --map-by node -x KERF_EXPECT_KIND \
  -np 4 "$1" || fail "collectives"

hosts=${KERF_TWO_HOSTS//:8/:1}
[[ $("$2" 2 kind "$hosts") == "mpi 2" ]] || fail "ranks of two hosts must talk through MPI"
printf 'a\0b\r\n' >/tmp/two_hosts.$$
"$2" 2 echo "$hosts" </tmp/two_hosts.$$ | cmp - /tmp/two_hosts.$$ || fail "stdin and stdout"
rm /tmp/two_hosts.$$

status=0
said=$("$2" 2 die "$hosts" 2>&1) || status=$?
said=$(grep -v '^rank' <<<"$said")
[[ $status == 1 && $said == "kerf: rank 1 on host "*" was killed by signal 9 (Killed); the job ends" ]] ||
  fail "a killed rank gave status $status and: $said"
# Nothing survives a killed launcher, on either host.
"$2" 2 toil "$hosts" 2>/dev/null &
launcher=$!
ranks() { pgrep -f "$2 2 toil $hosts" | grep -vx "$launcher" | grep -c . || true; }
for _ in {1..100}; do [[ $(ranks "$@") -ge 2 ]] && break; sleep 0.1; done
kill -KILL $launcher
for _ in {1..20}; do [[ $(ranks "$@") == 0 ]] && break; sleep 0.1; done
[[ $(ranks "$@") == 0 ]] || fail "processes outlive the launcher: $(pgrep -af "$2 2 toil")"
echo "two hosts: all passed"
