#include "kerf/apps/lifeline.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "kerf/apps/launch.h"
#include "kerf/base/local_socket.h"

namespace kerf {

namespace {

constexpr size_t kMessageBytes = 16 << 10;  // the longest sentence, with much room
constexpr std::string_view kAllHere = "all-here:";

void send_message(int fd, Message::Kind kind, std::string_view text) {
  std::string bytes(1, static_cast<char>(kind));
  bytes += text.substr(0, kMessageBytes - 1);
  send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);  // if it fails the launcher is gone, and this rank soon too
}

int own_connection = -1;  // of a rank

// Takes over the launcher's streams. False: the launcher is gone.
bool take_streams(int fd) {
  char welcome = 0;
  iovec data{.iov_base = &welcome, .iov_len = sizeof(welcome)};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(3 * sizeof(int))> control{};
  msghdr message{.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.data(), .msg_controllen = control.size()};
  ssize_t received = -1;
  do received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  const cmsghdr* rights = CMSG_FIRSTHDR(&message);
  if (received != sizeof(welcome) || rights == nullptr || rights->cmsg_type != SCM_RIGHTS) return false;

  constexpr std::array kStreams = {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO};
  const size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < std::min(count, kStreams.size()); ++i) {
    int stream = -1;
    std::memcpy(&stream, CMSG_DATA(rights) + i * sizeof(int), sizeof(int));
    dup2(stream, kStreams[i]);
    close(stream);
  }
  std::signal(SIGTTOU, SIG_IGN);  // this rank's process group is in the background; it may write all the same
  return true;
}

}  // namespace

Lifeline::Lifeline() : name_(fresh_socket_name()), fd_(listen_local(name_, SOCK_SEQPACKET)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "cannot open a socket for the ranks");
}

Lifeline::~Lifeline() { close(fd_); }

std::optional<Message> Lifeline::receive(int fd) {
  std::array<char, kMessageBytes> bytes{};
  const ssize_t received = recv(fd, bytes.data(), bytes.size(), 0);
  if (received <= 0) return std::nullopt;
  return Message{.kind = static_cast<Message::Kind>(bytes[0]),
                 .text = std::string(bytes.data() + 1, static_cast<size_t>(received) - 1)};
}

void Lifeline::welcome(int fd, int stdin_fd) {
  const std::array streams = {STDOUT_FILENO, STDERR_FILENO, stdin_fd};
  const size_t bytes = (stdin_fd >= 0 ? 3 : 2) * sizeof(int);
  char welcome = 'W';
  iovec data{.iov_base = &welcome, .iov_len = sizeof(welcome)};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(streams))> control{};
  msghdr message{.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.data(), .msg_controllen = CMSG_SPACE(bytes)};
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(bytes);
  std::memcpy(CMSG_DATA(rights), streams.data(), bytes);
  sendmsg(fd, &message, MSG_NOSIGNAL);
}

// ---- the ranks' side of launch.h ----

void tie_to_launcher() {
  // Only mpirun's daemons fork from a thread that lives as long as they do; srun's may not.
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  if (rank == nullptr) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);

  const char* variable = std::getenv(kLifelineVariable);
  if (variable == nullptr) return;
  std::string_view name = variable;
  const bool all_here = name.starts_with(kAllHere);
  if (all_here) name.remove_prefix(kAllHere.size());
  own_connection = connect_local(name, SOCK_SEQPACKET);
  if (own_connection >= 0) {
    send_message(own_connection, Message::Kind::kHello, rank);
    if (take_streams(own_connection)) {
      std::atexit([] { send_message(own_connection, Message::Kind::kFarewell, ""); });
      return;
    }
  }
  // Had mpirun died before the prctl above, its launcher, too, would be gone or would end this rank.
  if (all_here) _exit(1);
  close(own_connection);
  own_connection = -1;
}

void report_failure(std::string_view sentence) {
  if (own_connection >= 0) {
    send_message(own_connection, Message::Kind::kLastWords, sentence);
  } else if (std::getenv(kLifelineVariable) != nullptr) {
    fmt::print(stderr, "{}{}\n", kLastWordsTag, sentence);
  } else {
    fmt::print(stderr, "kerf: {}\n", sentence);
  }
}

}  // namespace kerf
