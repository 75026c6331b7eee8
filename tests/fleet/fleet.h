// A front without HTTP: a dispatcher over real replicas, and a client of it that keeps all that it is told.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kerf/serve/children.h"
#include "kerf/serve/dispatcher.h"
#include "kerf/serve/replica_process.h"

namespace kerf::testing {

struct FleetOptions {
  std::string model = KERF_MODELS_DIR "/kerf-tales-7m";
  int tp = 1;
  int pp = 1;
  size_t replicas = 1;
  int64_t max_num_seqs = 8;
  std::chrono::milliseconds timeout{2'000};  // of ranks and of the front
  std::chrono::milliseconds startup_limit{20'000};
  int64_t max_queue = 1024;
};

// What a client was told of one request.
struct Told {
  std::vector<int32_t> ids;
  std::optional<FinishReason> finish;
  std::optional<Refusal> refusal;
  int ends = 0;  // events with finish or refusal
};

class Fleet {
 public:
  explicit Fleet(const FleetOptions& options)
      : loop(make_event_loop(context)),
        children(*loop),
        dispatcher(*loop, dispatcher_options(options), [=, this](size_t index, ReplicaLink::Handlers handlers) {
          return std::make_unique<ReplicaProcess>(*loop, children, command(options, index), std::move(handlers));
        }) {}

  // Runs the front until `done`, false after `patience`.
  bool run_until(const std::function<bool()>& done, std::chrono::seconds patience = std::chrono::seconds(60)) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      context.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  bool run_until_ready() {
    return run_until([&] {
      const auto all = dispatcher.replicas();
      return std::ranges::all_of(all, [](const ReplicaView& r) { return r.state == ReplicaState::kReady; });
    });
  }

  // Submits, and keeps in `told` what comes. REQUIRES: it is not refused
  std::shared_ptr<Told> submit(const Request& request) {
    auto told = std::make_shared<Told>();
    const auto submitted = dispatcher.submit(request, [told](GenerationEvent event) {
      for (const SampledToken& token : event.tokens) told->ids.push_back(token.token);
      if (event.finish) told->finish = event.finish;
      if (event.refusal) told->refusal = event.refusal;
      told->ends += event.finish || event.refusal ? 1 : 0;
    });
    KERF_CHECK(!submitted.refusal, submitted.refusal ? submitted.refusal->message : "");
    return told;
  }

  boost::asio::io_context context;
  std::unique_ptr<EventLoop> loop;
  Children children;
  std::vector<std::string> log;
  Dispatcher dispatcher;

 private:
  DispatcherOptions dispatcher_options(const FleetOptions& options) {
    return {.replicas = options.replicas, .max_queue = options.max_queue, .log = [this](const std::string& line) {
              log.push_back(line);
            }};
  }

  ReplicaCommand command(const FleetOptions& options, size_t index) {
    return {.executable = KERF_PROGRAM,
            .args = {"replica", options.model, "--tp", std::to_string(options.tp), "--pp", std::to_string(options.pp),
                     "--threads", "1", "--max-num-seqs", std::to_string(options.max_num_seqs), "--timeout",
                     std::to_string(std::chrono::duration<double>(options.timeout).count())},
            .silence_limit = options.timeout + std::chrono::seconds(1),
            .startup_limit = options.startup_limit,
            .log = [this, index](std::string_view line) { log.push_back(fmt::format("replica {}: {}", index, line)); }};
  }
};

}  // namespace kerf::testing
