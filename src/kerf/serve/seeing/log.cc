#include "kerf/serve/seeing/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

namespace kerf {

namespace {

constexpr size_t kQueuedLines = 4096;

std::string utf8(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

// key=value, quoted where a blank or a quote is in it.
std::string text_of(const nlohmann::ordered_json& fields) {
  std::string line;
  for (const auto& [key, value] : fields.items()) {
    std::string text = utf8(value);
    const bool bare = value.is_string() && !value.get_ref<const std::string&>().empty() &&
                      text.find_first_of(" \\=", 1) == std::string::npos;
    if (bare) text = text.substr(1, text.size() - 2);
    line += fmt::format(" {}={}", key, text);
  }
  return line;
}

// Its thread leaves signals to the one that waits for them.
std::shared_ptr<spdlog::details::thread_pool> make_queue() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto queue = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return queue;
}

double milliseconds(double seconds) { return std::round(seconds * 1e6) / 1e3; }

}  // namespace

Result<LogFormat> log_format_from_name(std::string_view name) {
  if (name == "text") return LogFormat::kText;
  if (name == "json") return LogFormat::kJson;
  return fail("--log-format '{}' is none; use text or json", name);
}

Log::Log(LogFormat format, spdlog::sink_ptr sink) : format_(format), queue_(make_queue()) {
  if (sink == nullptr) sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  logger_ = std::make_shared<spdlog::async_logger>("kerf", std::move(sink), queue_,
                                                   spdlog::async_overflow_policy::overrun_oldest);
  constexpr auto kUtc = spdlog::pattern_time_type::utc;
  // The whole document but its first fields is the message.
  logger_->set_pattern(format == LogFormat::kJson ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                                                  : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
                       kUtc);
  logger_->flush_on(spdlog::level::info);
}

Log::~Log() = default;

void Log::request(const RequestLife& life) {
  Json fields = {
      {"id", life.facts.name},
      {"replica", life.replica},
      {"status", life.status},
      {"finish", name_of(life.finish)},
      {"prompt_tokens", life.facts.prompt_tokens},
      {"cached_tokens", life.cached_tokens},
      {"output_tokens", life.output_tokens},
      {"queue_ms", milliseconds((life.scheduled_s > 0 ? life.scheduled_s : life.finished_s) - life.queued_s)},
      {"ttft_ms", milliseconds(life.ttft_s())},
      {"tpot_ms", milliseconds(life.tpot_s())},
      {"e2e_ms", milliseconds(life.finished_s - life.queued_s)},
      {"resumed", life.resumed}};
  const bool failed = life.finish == FinishReason::kError || life.status >= 500;
  write(failed ? spdlog::level::err : spdlog::level::info, "request", fields, requests_, life.finished_s);
}

void Log::replica(int replica, ReplicaState state, const ReplicaNews& news, double now_s) {
  Json fields = {{"replica", replica}, {"state", name_of(state)}};
  if (state == ReplicaState::kReady) {
    fields["pids"] = news.pids;
    fields["load_s"] = std::round(news.load_s * 1e3) / 1e3;
  }
  const bool bad = state == ReplicaState::kDown && !news.why.empty();
  if (bad) fields["why"] = news.why;
  if (bad || state == ReplicaState::kDraining) fields["requests"] = news.requests;
  write(bad ? spdlog::level::warn : spdlog::level::info, "replica", fields, replicas_, now_s);
}

void Log::server(spdlog::level::level_enum level, std::string_view message, double now_s) {
  write(level, "server", Json{{"message", message}}, servers_, now_s);
}

void Log::write(spdlog::level::level_enum level, std::string_view event, const Json& fields, RateLimit& limit,
                double now_s) {
  if (!limit.admit(now_s)) return;
  Json line = {{"event", event}};
  line.update(fields);
  if (const int64_t missing = limit.take_turned_away(); missing > 0) line["left_out"] = missing;
  if (format_ == LogFormat::kJson) {
    const std::string document = utf8(line);
    logger_->log(level, "{}", std::string_view(document).substr(1, document.size() - 2));
  } else {
    line.erase("event");
    logger_->log(level, "{}{}", event, text_of(line));
  }
}

}  // namespace kerf
