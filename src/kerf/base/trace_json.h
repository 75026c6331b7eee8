// Traces as Perfetto and chrome://tracing read them: JSON of Chrome's Trace Event Format, the array form.
//
// A file is kTraceHead, lines, kTraceTail. Lines of several processes simply follow each other, so that parts can be
// put together without reading them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/base/trace.h"

namespace kerf {

inline constexpr std::string_view kTraceHead = "[\n";
// The array's last element must have no comma behind it: one that says nothing.
inline constexpr std::string_view kTraceTail =
    R"({"ph":"M","pid":0,"tid":0,"name":"process_sort_index","args":{"sort_index":0}})"
    "\n]\n";

// What is shown as one row.
struct TraceTrack {
  int process = 0;           // rows of a process stand together
  std::string process_name;  // "replica 0"
  int row = 0;
  std::string row_name;  // "stage 0, tp rank 1 on host a"
  std::vector<TraceEvent> events;
  int64_t dropped = 0;
};

using TraceSink = std::function<Status(std::string_view)>;

// Hands the track's lines to `sink`; the first error ends it.
[[nodiscard]] Status write_trace_lines(const TraceTrack& track, const TraceSink& sink);

// A span of its own row among others of the same process, overlapping as they may; `id` keeps them apart.
[[nodiscard]] std::string trace_async_line(int process, int64_t id, std::string_view name, int64_t begin_ns,
                                           int64_t end_ns, std::string_view args_json);

// Text between JSON's quotes; broken UTF-8 becomes U+FFFD's escape.
[[nodiscard]] std::string json_text(std::string_view text);

}  // namespace kerf
