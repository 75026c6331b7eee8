#include "kerf/planner/launch_commands.h"

#include <algorithm>
#include <cmath>

#include "kerf/base/check.h"
#include "kerf/planner/launch/command.h"

namespace kerf {

int64_t max_model_len(const ModelShape& model, double isl, double osl) {
  constexpr int64_t kStep = 1024;
  const auto wanted = static_cast<int64_t>(std::ceil(isl + osl));
  const int64_t rounded = (wanted + kStep - 1) / kStep * kStep;
  return model.max_positions > 0 ? std::max(std::min(rounded, model.max_positions), int64_t{1}) : rounded;
}

Result<std::string> launch_commands(std::string_view engine, const LaunchRequest& request, const MachineSpec& machine) {
  KERF_CHECK(request.devices.size() == static_cast<size_t>(request.plan.ranks()) * static_cast<size_t>(request.plan.dp),
             "a device for every rank");
  if (engine == "vllm") return launch_vllm(request, machine);
  if (engine == "sglang") return launch_sglang(request, machine);
  if (engine == "trtllm") return launch_trtllm(request, machine);
  if (engine == "kerf") return launch_kerf(request, machine);
  return fail("--emit {}: kerf writes commands for kerf, vllm, sglang and trtllm", engine);
}

}  // namespace kerf
