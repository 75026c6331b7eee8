// Any bytes as a config.json and, after the first NUL, as a hf_quant_config.json. What is accepted can be planned with.
#include <cmath>
#include <cstdint>
#include <string_view>

#include "kerf/base/check.h"
#include "kerf/io/model_shape.h"
#include "kerf/planner/memory.h"

namespace {

bool positive(double value) { return std::isfinite(value) && value > 0; }

void check(const kerf::ModelShape& model) {
  KERF_CHECK(model.params() > 0 && model.active_params() > 0 && model.mtp_params >= 0);
  KERF_CHECK(positive(kerf::weight_bytes(model)) && kerf::kv_bytes_per_token(model) >= 0);
  const kerf::DeviceKind device{.memory_bytes = 80e9};
  for (const kerf::Plan& plan : {kerf::Plan{}, kerf::Plan{.tp = 3}, kerf::Plan{.tp = 8, .pp = 2, .ep = 4}}) {
    const kerf::PlanMemory memory = kerf::plan_memory(model, device, {}, plan, {});
    KERF_CHECK(memory.fits == memory.why.empty());
    for (const kerf::RankMemory& rank : memory.stages) KERF_CHECK(positive(rank.weight_bytes));
    (void)kerf::check_divisibility(model, {}, plan);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t nul = text.find('\0');
  const std::string_view modelopt = nul == std::string_view::npos ? std::string_view{} : text.substr(nul + 1);
  if (const auto shape = kerf::parse_model_shape(text.substr(0, nul), "config.json", modelopt); shape.ok()) {
    check(*shape);
  }
  return 0;
}
