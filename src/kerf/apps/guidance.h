// Flags that steer what is generated: --json-object, --json-schema, --logit-bias.
#pragma once

#include <string>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/request.h"

namespace CLI {
class App;
}

namespace kerf {

struct GuidanceOptions {
  bool json_object = false;
  std::string json_schema;              // a file, or the schema itself where it begins with {
  std::vector<std::string> logit_bias;  // "id:bias"
};

void add_guidance_options(CLI::App& command, GuidanceOptions& options);

// Fills params.grammar and params.logit_bias. Fails in a sentence about the flag, the schema's keyword and its place.
[[nodiscard]] Status apply_guidance(const GuidanceOptions& options, SamplingParams& params);

}  // namespace kerf
