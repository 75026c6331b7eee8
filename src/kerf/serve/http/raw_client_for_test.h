// A client that sends what a test tells it to, well-formed or not. Every wait ends after some seconds.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace kerf::testing {

class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer = 0) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    be_patient();
    if (receive_buffer > 0) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  // Takes a connected socket.
  struct Connected {
    int socket;
  };
  explicit RawClient(Connected connected) : socket_(connected.socket), connected_(true) { be_patient(); }
  ~RawClient() { close(); }
  RawClient(RawClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_), input_(std::move(other.input_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }

  // False when the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Up to and with `mark`; what came before the end when there is none.
  std::string read_until(std::string_view mark) {
    size_t at = input_.find(mark);
    while (at == std::string::npos && receive()) at = input_.find(mark);
    return take(at == std::string::npos ? input_.size() : at + mark.size());
  }
  // Up to the end of the connection.
  std::string read_all() {
    while (receive()) {
    }
    return take(input_.size());
  }
  // One answer with Content-Length, head and body.
  std::string read_answer() {
    std::string answer = read_until("\r\n\r\n");
    const size_t at = answer.find("Content-Length: ");
    if (at == std::string::npos) return answer;
    const size_t length = std::strtoul(answer.c_str() + at + 16, nullptr, 10);
    while (input_.size() < length && receive()) {
    }
    return answer + take(std::min(length, input_.size()));
  }
  // Whether the server closes, without another byte.
  bool is_closed() { return !receive() && input_.empty() && ended_; }

  void half_close() { shutdown(socket_, SHUT_WR); }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

 private:
  void be_patient() const {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  bool receive() {
    std::array<char, 65536> buffer;
    const ssize_t bytes = recv(socket_, buffer.data(), buffer.size(), 0);
    ended_ = bytes == 0 || (bytes < 0 && errno == ECONNRESET);
    if (bytes <= 0) return false;
    input_.append(buffer.data(), static_cast<size_t>(bytes));
    return true;
  }
  std::string take(size_t bytes) {
    std::string taken = input_.substr(0, bytes);
    input_.erase(0, bytes);
    return taken;
  }

  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  std::string input_;
};

}  // namespace kerf::testing
