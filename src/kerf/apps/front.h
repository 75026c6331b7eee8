// Front: the process that clients talk to, but for HTTP: the replicas of a settled plan, the dispatcher over them, and
// what signals ask for.
//
//   SIGTERM, SIGINT   takes nothing new, finishes what it has, ends; a second one ends at once
//   SIGHUP            reads keys and limits again
//   SIGUSR2           restarts one replica after the other
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/apps/serve_options.h"
#include "kerf/serve/dispatcher.h"

namespace boost::asio {
class io_context;
}

namespace kerf {

struct FrontHandlers {
  std::function<void()> ready;  // the first replica serves
  std::function<void(std::vector<std::string> keys)> keys_changed;
  std::function<void(int status)> ended;  // no replica is left, and none will be
  std::function<void(std::string_view line)> log;
  DispatcherEvents events;
};

// Threading: the context's one thread. It forks: what other threads there are take no signals and hold no lock that a
// child needs before it executes.
class Front {
 public:
  // Starts the replicas. The context must outlive it. Throws std::system_error when it cannot.
  Front(boost::asio::io_context& context, const ServeOptions& options, FrontHandlers handlers);
  ~Front();
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  [[nodiscard]] Dispatcher& dispatcher();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kerf
