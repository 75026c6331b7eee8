#!/bin/bash
# Runs a command on one machine that looks like two: network namespaces `a` and `b`, joined by a
# veth pair, with nothing else in common that the network could reach.
#
#   two_hosts.sh COMMAND…     COMMAND runs in namespace a and may use, from the environment,
#     KERF_TWO_HOSTS=10.77.x.1:8,10.77.x.2:8   for --hosts
#     KERF_LAUNCH_AGENT=…                      in ssh's place: enters the namespace of the address,
#                                              under a host name of its own
#     KERF_TWO_HOSTS_RATE                      (read) e.g. 1gbit, KERF_TWO_HOSTS_DELAY e.g. 50us: the wire
#
# Needs root and iproute2; exits 77 (skipped) without. Several can run at once.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
if [[ $(id -u) != 0 ]] || ! command -v ip >/dev/null || ! ip netns add "kerf-probe-$$" 2>/dev/null; then
  echo "skipped: two hosts need root, iproute2 and the right to make network namespaces"
  exit 77
fi
ip netns delete "kerf-probe-$$"

a=kerf-a-$$ b=kerf-b-$$ net=10.77.$(($$ % 250 + 1))
clean_up() {
  for ns in "$a" "$b"; do
    { ip netns pids "$ns" | xargs -r kill -KILL; ip netns delete "$ns"; } 2>/dev/null || true
  done
}
trap clean_up EXIT
trap 'exit 143' TERM HUP INT

ip netns add "$a"
ip netns add "$b"
ip link add eth0 netns "$a" type veth peer name eth0 netns "$b"
host=1
for ns in "$a" "$b"; do
  ip -n "$ns" address add "$net.$host/24" dev eth0
  ip -n "$ns" link set lo up
  ip -n "$ns" link set eth0 up
  if [[ -n ${KERF_TWO_HOSTS_RATE:-}${KERF_TWO_HOSTS_DELAY:-} ]]; then
    tc -n "$ns" qdisc add dev eth0 root netem ${KERF_TWO_HOSTS_RATE:+rate $KERF_TWO_HOSTS_RATE} \
      ${KERF_TWO_HOSTS_DELAY:+delay $KERF_TWO_HOSTS_DELAY}
  fi
  host=2
done

export KERF_TWO_HOSTS="$net.1:8,$net.2:8"
export KERF_TWO_HOSTS_NAMESPACES="$net.1=$a,$net.2=$b"
export KERF_LAUNCH_AGENT="$here/agent.sh"
ip netns exec "$a" unshare --uts sh -c 'hostname "$0" && exec "$@"' "$a" "$@" &
wait $!
