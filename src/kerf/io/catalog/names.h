// Names as users type them, against names as the catalogue spells them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

// Lower-case letters and digits of a name, without the vendors' words: "NVIDIA H100-SXM" → "h100sxm".
[[nodiscard]] std::string plain_name(std::string_view name);

// "the catalogue has no GPU 'H10'; did you mean H100-SXM, H100-PCIe or H100-NVL?", or all names when none is near.
// kind: "GPU"; file: "gpus.json"
[[nodiscard]] Error unknown_name(std::string_view kind, std::string_view file, std::string_view name,
                                 const std::vector<std::string>& known);

}  // namespace kerf
