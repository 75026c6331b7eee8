#!/bin/bash
# Stands in for ssh as Open MPI's launch agent: agent.sh [options] ADDRESS COMMAND… runs the command
# in the network namespace that two_hosts.sh gave this address.
set -euo pipefail
while [[ $1 == -* ]]; do shift; done
address=$1
shift
for pair in ${KERF_TWO_HOSTS_NAMESPACES//,/ }; do
  if [[ ${pair%%=*} == "$address" ]]; then
    # A host name of its own as well: Open MPI names its files after the host.
    exec ip netns exec "${pair#*=}" unshare --uts sh -c 'hostname "$0" && exec sh -c "$*"' "${pair#*=}" "$@"
  fi
done
echo "agent.sh: no namespace for $address" >&2
exit 1
