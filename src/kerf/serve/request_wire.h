// Requests and sampled tokens as bytes (engine/wire.h). What is read back is valid: parameters in their ranges.
#pragma once

#include "kerf/engine/request.h"
#include "kerf/engine/sampler.h"
#include "kerf/engine/wire.h"

namespace kerf {

void write_request(WireWriter& out, const Request& request);
[[nodiscard]] Request read_request(WireReader& in);

void write_sampled_token(WireWriter& out, const SampledToken& sampled);
[[nodiscard]] SampledToken read_sampled_token(WireReader& in);

}  // namespace kerf
