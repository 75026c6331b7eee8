#include "kerf/apps/front.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "kerf/apps/server_trace.h"
#include "kerf/base/cores.h"
#include "kerf/serve/children.h"
#include "kerf/serve/core_shares.h"
#include "kerf/serve/replica_process.h"
#include "kerf/serve/scratch_dir.h"
#include "kerf/serve/signal_watch.h"

namespace kerf {

namespace {

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

// A hanging rank is found by its peers after --timeout; they say so better than the front could.
constexpr auto kFrontsPatience = std::chrono::seconds(1);

// Replicas of one host share its cores; those that span hosts share nothing that this one could hand out.
std::vector<ReplicaCommand> commands_of(const ServeOptions& options, const std::function<void(std::string_view)>& log) {
  const std::vector<std::vector<int>> shares = share_cores(allowed_cores(), options.model.plan.dp);
  std::vector<ReplicaCommand> commands;
  for (const std::vector<int>& share : shares) {
    const bool here = options.model.hosts.empty();
    const int ranks = options.model.plan.ranks();
    const int threads = std::max(1, static_cast<int>(share.size()) / ranks);
    ReplicaCommand& command = commands.emplace_back();
    command.executable = std::filesystem::read_symlink("/proc/self/exe").string();
    command.args = replica_args(options, options.model.threads > 0 ? options.model.threads : here ? threads : 0);
    const auto index = static_cast<int>(commands.size()) - 1;
    command.args.insert(command.args.end(), {"--replica", std::to_string(index)});
    if (!options.model.trace.empty()) {
      command.args.insert(command.args.end(), {"--trace", trace_part(options.model.trace, index).string()});
    }
    if (here) command.cores = share;
    command.silence_limit = milliseconds(options.model.timeout_s) + kFrontsPatience;
    command.startup_limit = milliseconds(options.startup_timeout_s);
    command.log = [index, log](std::string_view line) { log(fmt::format("replica {} says: {}", index, line)); };
  }
  return commands;
}

}  // namespace

struct Front::State {
  State(boost::asio::io_context& context, const ServeOptions& given, FrontHandlers called)
      : options(given),
        handlers(std::move(called)),
        commands(commands_of(given, handlers.log)),
        loop(make_event_loop(context)),
        children(*loop),
        dispatcher(*loop,
                   {.replicas = commands.size(),
                    .max_queue = given.max_queue,
                    .log = [this](const std::string& line) { log(line); },
                    .events = handlers.events},
                   [this](size_t index, ReplicaLink::Handlers told) {
                     return std::make_unique<ReplicaProcess>(*loop, children, commands[index], std::move(told));
                   }),
        signals(*loop, {SIGINT, SIGTERM, SIGHUP, SIGUSR2}, [this](int signal) { on_signal(signal); }) {
    dispatcher.on_ready = [this] {
      if (!std::exchange(was_ready, true)) handlers.ready();
    };
    dispatcher.on_hopeless = [this](const std::string& why) {
      log(fmt::format("no replica can be started: {}; the server ends", why));
      dispatcher.shut_down(std::chrono::milliseconds(0), [this] { handlers.ended(1); });
    };
  }

  void log(std::string_view line) const { handlers.log(line); }

  void on_signal(int signal) {
    if (signal == SIGHUP) return reload();
    if (signal == SIGUSR2) return dispatcher.rolling_restart(milliseconds(options.shutdown_timeout_s));
    if (std::exchange(ending, true)) std::_Exit(128 + signal);  // the kernel ends the replicas
    log(fmt::format("ends when its {} requests are done; a second signal ends it at once",
                    dispatcher.status().unfinished));
    dispatcher.shut_down(milliseconds(options.shutdown_timeout_s), [this] { handlers.ended(0); });
  }

  // What cannot be read leaves everything as it is.
  void reload() {
    const Result<std::vector<std::string>> keys = read_api_keys(options);
    const Result<int64_t> max_queue = read_max_queue(options);
    if (!keys.ok() || !max_queue.ok()) {
      return log(fmt::format("nothing is changed: {}", keys.ok() ? max_queue.error().message : keys.error().message));
    }
    handlers.keys_changed(*keys);
    dispatcher.set_max_queue(*max_queue);
    log(fmt::format("read anew: {} keys, max-queue = {}", keys->size(), *max_queue));
  }

  ServeOptions options;
  FrontHandlers handlers;
  std::vector<ReplicaCommand> commands;
  std::unique_ptr<EventLoop> loop;
  Children children;
  Dispatcher dispatcher;
  SignalWatch signals;
  bool was_ready = false;
  bool ending = false;
};

Front::Front(boost::asio::io_context& context, const ServeOptions& options, FrontHandlers handlers) {
  remove_stale_scratch_dirs();
  state_ = std::make_unique<State>(context, options, std::move(handlers));
}

Front::~Front() = default;

Dispatcher& Front::dispatcher() { return state_->dispatcher; }

}  // namespace kerf
