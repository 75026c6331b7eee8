// The socket between a launcher and its ranks on the same host. A rank says hello and gets the launcher's standard
// streams; it may leave last words; before an orderly exit it says farewell. A connection that ends without is a
// rank that crashed or was killed.
//
// The socket is a local one (base/local_socket.h): ranks of another host do not find it. They live on mpirun's relays;
// their last words are tagged lines on stderr.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kerf {

// In the environment of ranks: the socket's name, after "all-here:" if every rank is on the launcher's host.
inline constexpr const char* kLifelineVariable = "KERF_LAUNCHER";

// Stands before the last words of a rank that has no connection, and at no other place: ASCII record separator.
inline constexpr char kLastWordsTag = '\x1e';

struct Message {
  enum class Kind : char { kHello = 'H', kLastWords = 'L', kFarewell = 'F' };
  Kind kind;
  std::string text;  // hello: the rank's number; last words: the sentence
};

// The launcher's end.
class Lifeline {
 public:
  // Throws std::system_error: without it the job cannot start.
  Lifeline();
  ~Lifeline();
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int fd() const { return fd_; }  // readable: somebody to accept

  // nullopt: the peer is gone.
  [[nodiscard]] static std::optional<Message> receive(int fd);

  // Answers hello with this process's stdout and stderr, and `stdin_fd` unless it is -1.
  static void welcome(int fd, int stdin_fd);

 private:
  std::string name_;
  int fd_;
};

}  // namespace kerf
