// ReplicaProcess: a replica that is a process of this host, `kerf replica …`, and the ranks that this one starts.
//
//   front ──fork, exec──▶ kerf replica: rank 0 itself, or the launcher of mpirun and the ranks
//     ▲                                    │
//     └── a local socket, from rank 0 ─────┘   its stderr comes back line by line
//
// Nothing of it outlives the front: the kernel's parent-death signal ends the process, that end its ranks. Of a death
// the front hears by the socket's end or the child's, of a hang by silence.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/serve/children.h"
#include "kerf/serve/event_loop.h"
#include "kerf/serve/frame_socket.h"
#include "kerf/serve/replica_link.h"
#include "kerf/serve/scratch_dir.h"

namespace kerf {

// In the environment of a replica: the name of the front's socket (base/local_socket.h).
inline constexpr const char* kFrontVariable = "KERF_FRONT";

struct ReplicaCommand {
  std::string executable;                            // of kerf
  std::vector<std::string> args;                     // "replica", MODEL, …
  std::vector<int> cores;                            // that it may run on; empty: this process's
  std::chrono::milliseconds silence_limit{10'000};   // a replica that says nothing for so long hangs
  std::chrono::milliseconds startup_limit{600'000};  // from its start to its facts
  std::function<void(std::string_view line)> log;    // what it says on stderr
};

class ReplicaProcess final : public ReplicaLink {
 public:
  // Starts it. What fails is reported by `lost` and `gone`. Keeps references.
  ReplicaProcess(EventLoop& loop, Children& children, const ReplicaCommand& command, Handlers handlers);
  ~ReplicaProcess() override;

  void send(const FrontMessage& message) override;
  void kill(std::string_view why) override;

 private:
  [[nodiscard]] Status start();
  void on_connection();
  void on_readable();
  void on_message(const Bytes& frame);
  void flush();
  void read_log();
  void on_line(std::string line);
  void say_held();
  void listen_for_silence();
  void lose_soon(std::string_view why);
  void lose(const std::string& why);
  void on_exit(int status);
  void end();

  EventLoop& loop_;
  Children& children_;
  ReplicaCommand command_;
  Handlers handlers_;
  ScratchDir scratch_;
  pid_t pid_ = -1;  // -1: it is not, or not any more
  int listener_ = -1;
  int log_pipe_ = -1;
  std::string log_line_;    // without its end
  std::string last_words_;  // a sentence that it may end with, held back to be the reason of its loss
  std::optional<FrameSocket> socket_;
  bool ending_ = false;  // nothing is sent or heard any more
  bool lost_ = false;
  bool told_facts_ = false;
  EventLoop::Clock::time_point heard_at_;
  std::unique_ptr<EventLoop::Watch> listener_watch_, socket_watch_, log_watch_;
  std::unique_ptr<EventLoop::Timer> silence_timer_, kill_timer_, lose_timer_, words_timer_;
};

}  // namespace kerf
