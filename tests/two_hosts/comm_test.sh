#!/bin/bash
# The collectives between two hosts: two ranks on each, placed by mpirun itself.
#   comm_test.sh COMM_RANKS
set -euo pipefail
KERF_EXPECT_KIND=mpi mpirun --allow-run-as-root --oversubscribe --bind-to none \
  --mca plm_rsh_agent "$KERF_LAUNCH_AGENT" --host "$KERF_TWO_HOSTS" --map-by node -x KERF_EXPECT_KIND -np 4 "$1"
