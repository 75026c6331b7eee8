#include "kerf/apps/server_trace.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "kerf/apps/output_file.h"
#include "kerf/base/trace_json.h"

namespace kerf {

namespace {

// The lines of a whole file; nothing of one that is not there, or was written by somebody else.
std::string lines_of(const std::filesystem::path& part) {
  std::ifstream file(part, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!text.starts_with(kTraceHead) || !text.ends_with(kTraceTail)) return {};
  return text.substr(kTraceHead.size(), text.size() - kTraceHead.size() - kTraceTail.size());
}

Status write_all(OutputFile& file, const std::filesystem::path& path, int replicas, const Observer& observer) {
  const TraceSink sink = [&](std::string_view text) { return file.write(text.data(), text.size()); };
  KERF_TRY_STATUS(sink(kTraceHead));
  KERF_TRY_STATUS(observer.write_trace(sink));
  for (int replica = 0; replica < replicas; ++replica) KERF_TRY_STATUS(sink(lines_of(trace_part(path, replica))));
  KERF_TRY_STATUS(sink(kTraceTail));
  return file.commit();
}

}  // namespace

std::filesystem::path trace_part(const std::filesystem::path& path, int replica) {
  return path.string() + ".replica-" + std::to_string(replica);
}

Status write_server_trace(const std::filesystem::path& path, int replicas, const Observer& observer) {
  Result<OutputFile> file = OutputFile::create(path);
  const Status written = file.ok() ? write_all(*file, path, replicas, observer) : Status(file.error());
  for (int replica = 0; replica < replicas; ++replica) {
    std::error_code ignored;
    std::filesystem::remove(trace_part(path, replica), ignored);
  }
  if (!written.ok()) return fail("--trace {}", written.error().message);
  return Ok{};
}

}  // namespace kerf
