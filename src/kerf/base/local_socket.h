// Sockets between processes of one user on one host. Their names are abstract: no file stays behind, and nobody on
// another host or in another network namespace finds them. Any user may connect to, or take, such a name, so both sides
// look at whose process the other is.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace kerf {

// "kerf-<pid>-<random>"
[[nodiscard]] std::string fresh_socket_name();

// type: SOCK_STREAM or SOCK_SEQPACKET. Close-on-exec, not blocking. -1, and errno: it cannot be had.
[[nodiscard]] int listen_local(std::string_view name, int type);

struct LocalPeer {
  int fd;
  pid_t pid;
};
// Close-on-exec, not blocking. nullopt: nobody waits, or it was another user's process.
[[nodiscard]] std::optional<LocalPeer> accept_local(int listener);

// Close-on-exec, blocking. -1: nobody listens there, or another user does.
[[nodiscard]] int connect_local(std::string_view name, int type);

}  // namespace kerf
