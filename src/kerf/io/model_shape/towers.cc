#include "kerf/io/model_shape/towers.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "kerf/io/json.h"
#include "kerf/io/model_shape/family.h"

namespace kerf {

namespace {

void add_note(ModelShape& shape, std::string_view sentence) {
  if (!shape.note.empty()) shape.note += "; ";
  shape.note += sentence;
}

// SigLIP (arXiv:2303.15343) with biases and layer norms, and Gemma-3's projection of its normed output.
Result<int64_t> count_siglip(const JsonFields& vision, int64_t text_hidden) {
  KERF_TRY(const int64_t hidden, vision.integer("hidden_size", kWidth));
  KERF_TRY(const int64_t intermediate, vision.integer("intermediate_size", kWidth));
  KERF_TRY(const int64_t layers, vision.integer("num_hidden_layers", kLayers));
  KERF_TRY(const int64_t patch, vision.integer("patch_size", {1, 1024}));
  KERF_TRY(const int64_t image, vision.integer("image_size", {1, 65'536}));
  KERF_TRY(const int64_t channels, vision.integer("num_channels", {1, 64}, 3));
  const int64_t positions = (image / patch) * (image / patch);
  const int64_t attention = 4 * (hidden * hidden + hidden);
  const int64_t mlp = 2 * hidden * intermediate + intermediate + hidden;
  const int64_t embeddings = (patch * patch * channels + 1 + positions) * hidden;
  const int64_t projection = hidden * text_hidden + hidden;
  return embeddings + layers * (attention + mlp + 4 * hidden) + 2 * hidden + projection;
}

}  // namespace

Status read_towers(const nlohmann::json& config, std::string_view where, ModelShape& shape) {
  for (const char* name : {"vision_config", "visual", "audio_config"}) {
    if (!config.contains(name) || !config[name].is_object()) continue;
    const std::string tower = std::string_view(name) == "audio_config" ? "audio tower" : "vision tower";
    KERF_TRY(const JsonFields fields, JsonFields::of(config[name], fmt::format("{}: {}", where, name)));
    KERF_TRY(const std::string type, fields.string("model_type", ""));
    if (type == "siglip_vision_model" && shape.model_type == "gemma3_text") {
      KERF_TRY(shape.extra_params, count_siglip(fields, shape.hidden_size));
      add_note(shape, fmt::format("{:.2f} B parameters are the vision tower's",
                                  static_cast<double>(shape.extra_params) / 1e9));
    } else {
      add_note(shape, fmt::format("the {} is not counted", tower));
    }
  }
  if (shape.mtp_params > 0) {
    add_note(shape, fmt::format("{:.2f} B parameters of multi-token prediction are not counted",
                                static_cast<double>(shape.mtp_params) / 1e9));
  }
  return Ok{};
}

}  // namespace kerf
