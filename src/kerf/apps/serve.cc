// kerf serve: an OpenAI-compatible server over replicas of a model.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <memory>
#include <utility>

#include "kerf/apps/commands.h"
#include "kerf/apps/front.h"
#include "kerf/apps/prepared_model.h"
#include "kerf/apps/serve_options.h"
#include "kerf/apps/settle_fleet.h"
#include "kerf/serve/http/server.h"
#include "kerf/serve/openai/api.h"
#include "kerf/serve/openai/load_served_model.h"

namespace kerf {

namespace {

constexpr double kGraceForAnswers_s = 5;  // for clients to read what is written when the last replica has ended

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

void print_welcome(const ServeOptions& options, const ServedModel& model, int port) {
  const bool everywhere = options.host == "0.0.0.0" || options.host == "::";
  const std::string url = fmt::format("http://{}:{}", everywhere ? "127.0.0.1" : options.host, port);
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
  KERF_TRY(const std::string why, settle_fleet(options, model));
  if (!why.empty()) Front::log(why);
  options.model.timeout_s = std::max(options.model.timeout_s, longest_step_s(options, model));
  raise_descriptor_limit();

  boost::asio::io_context context;
  ApiKeys keys(std::move(key_list));
  Router router(keys, options.allowed_origins);
  KERF_TRY(std::unique_ptr<HttpServer> http,
           HttpServer::listen(context, {.host = options.host, .port = static_cast<uint16_t>(options.port)}, router));
  int status = 0;
  Front front(context, options,
              {.ready = [&] { print_welcome(options, *served, http->port()); },
               .keys_changed = [&](std::vector<std::string> read) { keys.replace(std::move(read)); },
               .ended =
                   [&](int ended) {
                     status = ended;
                     http->stop(kGraceForAnswers_s, [&] { context.stop(); });
                   }});
  const auto background = make_background(context);
  OpenAiApi api(front.dispatcher(), *background, served, [&] { return front.dispatcher().ready(); });
  api.add_routes(router);
  context.run();
  http.reset();  // what is still open there refers to all the rest
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
