#include "kerf/base/local_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <random>

namespace kerf {

namespace {

// An abstract name begins with a zero byte and ends with its length.
socklen_t abstract_address(std::string_view name, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  const size_t length = std::min(name.size(), sizeof(address.sun_path) - 1);
  std::memcpy(address.sun_path + 1, name.data(), length);
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
}

std::optional<pid_t> peer_of_same_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid()) return std::nullopt;
  return peer.pid;
}

}  // namespace

std::string fresh_socket_name() {
  std::random_device random;
  return fmt::format("kerf-{}-{:08x}{:08x}", getpid(), random(), random());
}

int listen_local(std::string_view name, int type) {
  sockaddr_un address{};
  const socklen_t size = abstract_address(name, address);
  const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
  close(fd);
  return -1;
}

std::optional<LocalPeer> accept_local(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return std::nullopt;
  const std::optional<pid_t> pid = peer_of_same_user(fd);
  if (!pid) {
    close(fd);
    return std::nullopt;
  }
  return LocalPeer{.fd = fd, .pid = *pid};
}

int connect_local(std::string_view name, int type) {
  sockaddr_un address{};
  const socklen_t size = abstract_address(name, address);
  const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 && peer_of_same_user(fd)) return fd;
  close(fd);
  return -1;
}

}  // namespace kerf
