// Names of modules in quantisation configs, and patterns of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/spec/model_shape.h"

namespace kerf {

// Whether a pattern covers the module "layers.3.mlp.down_proj". Patterns are names of modules or of what contains
// them, with any prefix ("model.layers.3.mlp"), with "*" for anything, or compressed-tensors' "re:" with ".*", "\." and
// one "(a|b)".
[[nodiscard]] bool covers(std::string_view pattern, std::string_view module);

// What a checkpoint says about its modules. The first rule that covers a module decides.
struct ModuleFormats {
  struct Rule {
    std::string pattern;
    std::optional<StorageFormat> format;  // nullopt = left in the model's own type
  };
  std::vector<Rule> rules;
  std::optional<StorageFormat> otherwise;
};

// Sets the formats of attention, MLPs and experts.
void apply_formats(const ModuleFormats& formats, ModelShape& shape);

}  // namespace kerf
