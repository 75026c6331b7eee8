// Any bytes as config.json and as generation_config.json. What is accepted must be usable.
#include <cmath>
#include <cstdint>
#include <string_view>

#include "kerf/base/check.h"
#include "kerf/io/generation_config.h"
#include "kerf/io/model_config.h"

namespace {

bool positive(double value) { return std::isfinite(value) && value > 0; }

void check(const kerf::ModelSpec& spec) {
  KERF_CHECK(spec.hidden_size > 0 && spec.intermediate_size > 0 && spec.vocab_size > 0 && spec.max_positions > 0);
  KERF_CHECK(spec.num_kv_heads > 0 && spec.num_heads % spec.num_kv_heads == 0);
  KERF_CHECK(spec.head_dim > 0 && spec.head_dim % 2 == 0);
  KERF_CHECK(!spec.layers.empty());
  for (const kerf::LayerSpec& layer : spec.layers) KERF_CHECK(layer.window >= 0);
  KERF_CHECK(positive(spec.norm_eps) && positive(spec.attention_scale) && positive(spec.embedding_scale));
  for (const kerf::RopeSpec& rope : {spec.rope, spec.local_rope}) {
    KERF_CHECK(positive(rope.theta) && rope.factor >= 1 && positive(rope.attention_factor));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto spec = kerf::parse_model_spec(text, "config.json"); spec.ok()) check(*spec);
  if (const auto defaults = kerf::parse_generation_defaults(text, "generation_config.json"); defaults.ok()) {
    KERF_CHECK(!defaults->top_p || (*defaults->top_p >= 0 && *defaults->top_p <= 1));
  }
  return 0;
}
