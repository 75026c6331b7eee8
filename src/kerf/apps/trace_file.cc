#include "kerf/apps/trace_file.h"

#include "kerf/apps/output_file.h"

namespace kerf {

namespace {

Error about_trace(const Error& error) {
  return fail("--trace {}; give another file, or leave --trace out", error.message);
}

Status write_all(OutputFile& file, const std::vector<TraceTrack>& tracks) {
  const TraceSink sink = [&](std::string_view text) { return file.write(text.data(), text.size()); };
  KERF_TRY_STATUS(sink(kTraceHead));
  for (const TraceTrack& track : tracks) KERF_TRY_STATUS(write_trace_lines(track, sink));
  KERF_TRY_STATUS(sink(kTraceTail));
  return file.commit();
}

}  // namespace

Status check_trace_file(const std::filesystem::path& path) {
  const Result<OutputFile> file = OutputFile::create(path);
  if (!file.ok()) return about_trace(file.error());
  return Ok{};
}

Status write_trace_file(const std::filesystem::path& path, const std::vector<TraceTrack>& tracks) {
  Result<OutputFile> file = OutputFile::create(path);
  if (!file.ok()) return about_trace(file.error());
  if (const Status written = write_all(*file, tracks); !written.ok()) return about_trace(written.error());
  return Ok{};
}

}  // namespace kerf
