// Requests, their parameters and sampled tokens as bytes (wire.h): between a front and its replicas, and between the
// ranks of a replica (step.h).
#pragma once

#include <span>
#include <vector>

#include "kerf/engine/request.h"
#include "kerf/engine/sampler.h"
#include "kerf/engine/wire.h"

namespace kerf {

// Whose ids are in no vocabulary yet: the reader judges them. Appended when read.
void write_ids(WireWriter& out, std::span<const int32_t> ids);
void read_ids(WireReader& in, std::vector<int32_t>& ids);

// What is read back is valid: each parameter in its range.
void write_params(WireWriter& out, const SamplingParams& params);
[[nodiscard]] SamplingParams read_params(WireReader& in);

void write_request(WireWriter& out, const Request& request);
[[nodiscard]] Request read_request(WireReader& in);

void write_sampled_token(WireWriter& out, const SampledToken& sampled);
[[nodiscard]] SampledToken read_sampled_token(WireReader& in);

}  // namespace kerf
