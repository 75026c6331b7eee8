// Bytes from the other side of the socket between front and replica: a message or a refusal; never a crash, and what is
// accepted is written back as something that is accepted, too.
#include <cstddef>
#include <cstdint>
#include <span>

#include "kerf/base/check.h"
#include "kerf/serve/replica_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto message = kerf::parse_front_message(bytes); message.ok()) {
    KERF_CHECK(kerf::serialize(kerf::parse_front_message(kerf::serialize(*message)).value()) ==
               kerf::serialize(*message));
  }
  if (const auto message = kerf::parse_replica_message(bytes); message.ok()) {
    KERF_CHECK(kerf::serialize(kerf::parse_replica_message(kerf::serialize(*message)).value()) ==
               kerf::serialize(*message));
  }
  return 0;
}
