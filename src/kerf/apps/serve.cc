// kerf serve: an OpenAI-compatible server over replicas of a model.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <memory>
#include <utility>

#include "kerf/apps/commands.h"
#include "kerf/apps/descriptor_room.h"
#include "kerf/apps/front.h"
#include "kerf/apps/prepared_model.h"
#include "kerf/apps/serve_options.h"
#include "kerf/apps/server_trace.h"
#include "kerf/apps/settle_fleet.h"
#include "kerf/serve/http/server.h"
#include "kerf/serve/openai/api.h"
#include "kerf/serve/openai/load_served_model.h"
#include "kerf/serve/seeing/routes.h"
#include "kerf/serve/seeing/watched_generator.h"

namespace kerf {

namespace {

constexpr double kGraceForAnswers_s = 5;  // for clients to read what is written when the last replica has ended

// The HTTP server leaves 96 files to the rest of the front; 32 are for connections. A replica takes 4 while it starts.
constexpr int kFilesOfFront = 96 + 32;
constexpr int kFilesOfReplica = 4;

// A connection is a descriptor: as many as the administrator allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Result<std::shared_ptr<const ServedModel>> served_model(const ServeOptions& options, const PreparedModel& model) {
  const bool quantised = model.quantization != Quantization::kNone;
  return load_served_model({.dir = model.dir,
                            .names = options.served_model_names,
                            .weights = std::string(quantised ? name_of(model.quantization) : name_of(model.dtype)),
                            .vocab_size = model.model.vocab_size,
                            .max_model_len = model.max_model_len});
}

ObserverConfig observer_config(const ServeOptions& options, const PreparedModel& model, const ServedModel& served,
                               const SettledFleet& fleet) {
  ObserverConfig config;
  config.metrics = {
      .model_name = served.names.front(), .max_model_len = model.max_model_len, .replicas = options.model.plan.dp};
  config.facts = {.version = KERF_VERSION,
                  .model = served.names.front(),
                  .dtype = std::string(name_of(model.dtype)),
                  .quantization = std::string(name_of(model.quantization)),
                  .kv_cache_dtype = std::string(name_of(model.kv_cache_dtype)),
                  .max_model_len = model.max_model_len,
                  .plan = options.model.plan,
                  .why = fleet.why,
                  .machine = fleet.machine,
                  .started_s = monotonic_s(),
                  .predicted_tokens_per_s = fleet.predicted_tokens_per_s};
  config.trace = !options.model.trace.empty();
  config.log_format = log_format_from_name(options.log_format).value();  // the command line has been checked
  return config;
}

// What the dispatcher tells, in the observer's words.
DispatcherEvents events_for(Observer& observer) {
  return {.queued =
              [&](RequestId id, const Request& request) {
                observer.on_queued(id,
                                   {.name = request.name,
                                    .prompt_tokens = static_cast<int64_t>(request.prompt_ids.size()),
                                    .max_tokens = request.params.max_tokens,
                                    .n = request.n},
                                   monotonic_s());
              },
          .given = [&](RequestId id,
                       size_t replica) { observer.on_scheduled(id, static_cast<int>(replica), monotonic_s()); },
          .replica_changed =
              [&](const ReplicaView& replica) {
                const auto index = static_cast<int>(replica.index);
                ReplicaNews news{.requests = replica.requests};
                if (replica.state == ReplicaState::kReady) {
                  observer.on_cache(index, replica.facts.block_size, replica.facts.num_blocks);
                  news.pids.assign(replica.facts.pids.begin(), replica.facts.pids.end());
                  news.load_s = replica.facts.load_s;
                }
                if (replica.state == ReplicaState::kDown) news.why = replica.last_loss;
                observer.on_replica_state(index, replica.state, monotonic_s(), std::move(news));
              },
          .reported =
              [&](size_t replica, const ReplicaReport& report) {
                observer.on_report(static_cast<int>(replica), report, monotonic_s());
              }};
}

std::string url_of(const std::string& host, int port) {
  if (host == "0.0.0.0" || host == "::") return fmt::format("http://127.0.0.1:{}", port);
  return fmt::format("http://{}:{}", host.find(':') == std::string::npos ? host : "[" + host + "]", port);
}

void print_welcome(const ServeOptions& options, const ServedModel& model, int port) {
  const std::string url = url_of(options.host, port);
  fmt::print("kerf serves {} at {}\n", model.names.front(), url);
  fmt::print(
      "  curl {}/v1/completions {}-H 'Content-Type: application/json' "
      "-d '{{\"model\": \"{}\", \"prompt\": \"Once upon a time\", \"max_tokens\": 32}}'\n",
      url, options.api_keys.empty() && options.api_key_file.empty() ? "" : "-H 'Authorization: Bearer KEY' ",
      model.names.front());
  std::fflush(stdout);
}

Result<int> serve(ServeOptions options) {
  KERF_TRY(const PreparedModel model, prepare_model(options.model));
  KERF_TRY(std::vector<std::string> key_list, read_api_keys(options));
  KERF_TRY(options.max_queue, read_max_queue(options));
  KERF_TRY(const std::shared_ptr<const ServedModel> served, served_model(options, model));
  KERF_TRY(const SettledFleet fleet, settle_fleet(options, model));
  options.model.machine = fleet.machine_file;  // by which replicas predict their steps
  options.model.timeout_s = std::max(options.model.timeout_s, longest_step_s(options, model));
  options.startup_timeout_s = startup_limit_s(options, model);
  raise_descriptor_limit();
  KERF_TRY_STATUS(
      ensure_descriptors(static_cast<rlim_t>(kFilesOfFront + kFilesOfReplica * options.model.plan.dp), "kerf serve"));

  Observer observer(observer_config(options, model, *served, fleet));
  const auto log = [&](std::string_view line) { observer.log().server(spdlog::level::info, line, monotonic_s()); };

  boost::asio::io_context context;
  ApiKeys keys(std::move(key_list));
  Router router(keys, options.allowed_origins);
  KERF_TRY(std::unique_ptr<HttpServer> http, HttpServer::listen(context,
                                                                {.host = options.host,
                                                                 .port = static_cast<uint16_t>(options.port),
                                                                 .on_served =
                                                                     [&](const HttpServerConfig::Served& served_now) {
                                                                       observer.on_http(served_now.head.path,
                                                                                        served_now.status);
                                                                     }},
                                                                router));
  if (!fleet.why.empty()) log(fleet.why);
  int status = 0;
  Front front(context, options,
              {.ready = [&] { print_welcome(options, *served, http->port()); },
               .keys_changed = [&](std::vector<std::string> read) { keys.replace(std::move(read)); },
               .ended =
                   [&](int ended) {
                     status = ended;
                     http->stop(kGraceForAnswers_s, [&] { context.stop(); });
                   },
               .log = log,
               .events = events_for(observer)});
  WatchedGenerator watched(front.dispatcher(), observer);
  const auto background = make_background(context);
  OpenAiApi api(watched, *background, served, [&] { return front.dispatcher().ready(); });
  api.add_routes(router);
  add_seeing_routes(router, observer);
  context.run();
  http.reset();  // what is still open there refers to all the rest
  if (!options.model.trace.empty()) {
    const Status traced = write_server_trace(options.model.trace, options.model.plan.dp, observer);
    if (!traced.ok()) log(traced.error().message);
  }
  return status;
}

}  // namespace

void add_serve(CLI::App& app, int& status) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand("serve", "Serve a model by OpenAI's API");
  command->footer(
      "Example:\n  kerf serve kerf-tales-7m --port 8000 --dp 2\n"
      "Without --tp, --pp, --sp and --dp kerf chooses them for this machine. SIGTERM finishes what is under way, "
      "SIGHUP\n"
      "reads keys and limits again, SIGUSR2 restarts one replica after the other.");
  add_serve_options(*command, *options);
  command->callback([options, &status] {
    const Result<int> ended = serve(*options);
    if (!ended.ok()) complain(ended.error());
    status = ended.ok() ? *ended : 1;
  });
}

}  // namespace kerf
