// The first bytes of an answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kerf/serve/http/message.h"

namespace kerf {

enum class Framing : uint8_t {
  kLength,   // Content-Length
  kChunked,  // chunks, the last of which is empty
  kClose,    // up to the end of the connection: HTTP/1.0 has no chunks
};

// Status line, headers and the empty line.
[[nodiscard]] std::string response_head(const HttpResponse& response, Framing framing, bool keep_alive);

// Appends one chunk. REQUIRES: !piece.empty(), which would end the answer
void append_chunk(std::string& out, std::string_view piece);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace kerf
