#include "kerf/base/trace_json.h"

#include <fmt/format.h>

#include <iterator>

namespace kerf {

namespace {

constexpr size_t kFlushBytes = 1 << 16;

// Microseconds with their nanoseconds, exactly.
void append_us(std::string& out, int64_t ns) {
  fmt::format_to(std::back_inserter(out), "{}.{:03}", ns / 1000, ns % 1000);
}

void append_event(std::string& out, const TraceTrack& track, const TraceEvent& event) {
  const bool collective = event.group[0] != '\0';
  fmt::format_to(std::back_inserter(out), R"({{"ph":"X","pid":{},"tid":{},"cat":"{}","name":"{}","ts":)", track.process,
                 track.row, collective ? "communication" : "work", json_text(event.name.data()));
  append_us(out, event.begin_ns);
  out += R"(,"dur":)";
  append_us(out, event.end_ns - event.begin_ns);
  out += R"(,"args":{)";
  if (event.step >= 0) fmt::format_to(std::back_inserter(out), R"("step":{},)", event.step);
  if (collective) fmt::format_to(std::back_inserter(out), R"("group":"{}",)", json_text(event.group.data()));
  fmt::format_to(std::back_inserter(out), "\"{}\":{}}}}},\n", collective ? "bytes" : "tokens", event.amount);
}

std::string metadata(const TraceTrack& track, std::string_view what, std::string_view args) {
  return fmt::format(R"({{"ph":"M","pid":{},"tid":{},"name":"{}","args":{{{}}}}},)"
                     "\n",
                     track.process, track.row, what, args);
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {  // names are ASCII; what is not must not break the file
      out += byte < 0x20 ? fmt::format("\\u{:04x}", byte) : "\\ufffd";
    } else {
      out += c;
    }
  }
  return out;
}

Status write_trace_lines(const TraceTrack& track, const TraceSink& sink) {
  std::string out = metadata(track, "process_name", fmt::format(R"("name":"{}")", json_text(track.process_name)));
  out += metadata(track, "thread_name", fmt::format(R"("name":"{}")", json_text(track.row_name)));
  out += metadata(track, "thread_sort_index", fmt::format(R"("sort_index":{})", track.row));
  if (track.dropped > 0) out += metadata(track, "kerf_dropped_events", fmt::format(R"("events":{})", track.dropped));
  for (const TraceEvent& event : track.events) {
    append_event(out, track, event);
    if (out.size() < kFlushBytes) continue;
    KERF_TRY_STATUS(sink(out));
    out.clear();
  }
  return sink(out);
}

std::string trace_async_line(int process, int64_t id, std::string_view name, int64_t begin_ns, int64_t end_ns,
                             std::string_view args_json) {
  std::string out;
  for (const bool begin : {true, false}) {
    fmt::format_to(std::back_inserter(out),
                   R"({{"ph":"{}","pid":{},"tid":0,"id":"{}","cat":"request","name":"{}","ts":)", begin ? 'b' : 'e',
                   process, id, json_text(name));
    append_us(out, begin ? begin_ns : end_ns);
    if (begin) fmt::format_to(std::back_inserter(out), R"(,"args":{})", args_json);
    out += "},\n";
  }
  return out;
}

}  // namespace kerf
