// Log: what happens to a server, a line each on stderr, for people (text) or programs (json).
//
// Lines are handed to a thread of their own through a bounded queue, so that a reader of stderr who stalls disturbs
// nobody; when the queue is full the oldest lines go. Events of one kind that come faster than their limit are counted
// instead, and the next line of the kind says how many are missing. A prompt's or an answer's text is never logged.
//
// Threading: the front's one thread.
#pragma once

#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "kerf/base/result.h"
#include "kerf/serve/seeing/observations.h"
#include "kerf/serve/seeing/rate_limit.h"

namespace spdlog::details {
class thread_pool;
}

namespace kerf {

enum class LogFormat : uint8_t { kText, kJson };
[[nodiscard]] Result<LogFormat> log_format_from_name(std::string_view name);  // --log-format: "text", "json"

class Log {
 public:
  // sink: null = stderr.
  explicit Log(LogFormat format, spdlog::sink_ptr sink = nullptr);
  ~Log();  // after every line is out
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // A request has ended.
  void request(const RequestLife& life);
  // A replica has come into a state.
  void replica(int replica, ReplicaState state, const ReplicaNews& news, double now_s);
  // Anything else of the server's own: started, draining, a trace that could not be written.
  void server(spdlog::level::level_enum level, std::string_view message, double now_s);

 private:
  using Json = nlohmann::ordered_json;
  void write(spdlog::level::level_enum level, std::string_view event, const Json& fields, RateLimit& limit,
             double now_s);

  LogFormat format_;
  std::shared_ptr<spdlog::details::thread_pool> queue_;
  std::shared_ptr<spdlog::logger> logger_;
  RateLimit requests_{.per_s = 100, .burst = 1000};
  RateLimit replicas_{.per_s = 5, .burst = 100};
  RateLimit servers_{.per_s = 5, .burst = 100};
};

}  // namespace kerf
