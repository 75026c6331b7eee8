#include "kerf/io/model_shape/modules.h"

#include <fmt/format.h>

#include <algorithm>

namespace kerf {

namespace {

// Glob with '*' alone, in time |pattern| * |text| at worst.
bool glob(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// The globs that a "re:" pattern stands for.
std::vector<std::string> globs_of_regex(std::string_view regex) {
  std::string text = replaced(replaced(std::string(regex), ".*", "*"), "\\.", ".");
  std::erase_if(text, [](char c) { return c == '^' || c == '$'; });
  const size_t open = text.find('(');
  const size_t close = text.find(')', open);
  if (open == std::string::npos || close == std::string::npos) return {text};
  std::vector<std::string> globs;
  const std::string head = text.substr(0, open);
  const std::string tail = text.substr(close + 1);
  for (size_t begin = open + 1; begin <= close;) {
    const size_t end = std::min(close, text.find('|', begin));
    globs.push_back(fmt::format("{}{}{}", head, text.substr(begin, end - begin), tail));
    begin = end + 1;
  }
  return globs;
}

// "model.language_model.layers.3" → "layers.3": checkpoints differ in what stands before. What stands elsewhere
// ("mtp.layers.0", "vision_tower.layers.0") stays as it is, and covers nothing.
std::string_view from_layers(std::string_view pattern) {
  for (const std::string_view prefix :
       {"model.language_model.", "language_model.model.", "language_model.", "model.", "backbone.", "transformer."}) {
    if (pattern.starts_with(prefix) && pattern.substr(prefix.size()).starts_with("layers.")) {
      return pattern.substr(prefix.size());
    }
  }
  return pattern;
}

bool glob_covers(std::string_view pattern, std::string_view module) {
  const std::string_view whole = from_layers(pattern);
  const size_t star = whole.find('*');
  if (star > 0 && !module.starts_with(whole.substr(0, star)) && whole.starts_with("layers.")) return false;  // at once
  return glob(whole, module) || glob(fmt::format("{}.*", whole), module) || glob(fmt::format("*.{}", whole), module);
}

// Whole components: "mlp.gate" is in "layers.3.mlp.gate", not in "layers.3.mlp.gate_proj".
bool holds_components(std::string_view module, std::string_view part) {
  for (size_t at = module.find(part); at != std::string_view::npos; at = module.find(part, at + 1)) {
    const size_t end = at + part.size();
    if ((at == 0 || module[at - 1] == '.') && (end == module.size() || module[end] == '.')) return true;
  }
  return false;
}

}  // namespace

bool covers(std::string_view pattern, std::string_view module) {
  if (pattern.starts_with("re:")) {
    const std::vector<std::string> globs = globs_of_regex(pattern.substr(3));
    return std::ranges::any_of(globs, [&](const std::string& g) { return glob_covers(g, module); });
  }
  if (pattern.find('*') != std::string_view::npos) return glob_covers(pattern, module);
  return holds_components(module, from_layers(pattern));
}

namespace {

// A linear of a layer under the names that families give it, and how many weights it has.
struct Probe {
  std::vector<std::string_view> names;
  int64_t params = 0;
};

std::vector<Probe> attention_probes(const ModelShape& model, const LayerShape& layer) {
  const AttentionShape& a = layer.attention;
  const int64_t column = a.column_params - a.plain_column_params;
  const int64_t replicated = a.replicated_params - a.plain_replicated_params;
  switch (a.kind) {
    case AttentionKind::kNone: return {};
    case AttentionKind::kLinear:
      return {{{"linear_attn.in_proj_qkv", "linear_attn.in_proj_qkvz", "mixer.in_proj"}, column},
              {{"linear_attn.out_proj", "mixer.out_proj"}, a.row_params}};
    case AttentionKind::kLatent: {
      const int64_t q_down = model.hidden_size * a.q_lora_rank;
      const int64_t q_up = (a.q_lora_rank > 0 ? a.q_lora_rank : model.hidden_size) * a.heads * a.head_dim;
      const int64_t kv_down = model.hidden_size * (a.kv_lora_rank + a.rope_head_dim);
      return {{{"self_attn.q_b_proj", "self_attn.q_proj"}, q_up},
              {{"self_attn.kv_b_proj"}, column - q_up},
              {{"self_attn.o_proj"}, a.row_params},
              {{"self_attn.q_a_proj"}, q_down},
              {{"self_attn.kv_a_proj_with_mqa"}, kv_down},
              {{"self_attn.indexer"}, replicated - q_down - kv_down}};
    }
    case AttentionKind::kGrouped: break;
  }
  return {{{"self_attn.q_proj", "self_attn.qkv_proj", "attn.c_attn", "mixer.q_proj"}, column - a.kv_column_params},
          {{"self_attn.k_proj", "self_attn.qkv_proj", "attn.c_attn", "mixer.k_proj"}, a.kv_column_params},
          {{"self_attn.o_proj", "attn.c_proj", "mixer.o_proj"}, a.row_params}};
}

std::vector<Probe> mlp_probes(const LayerShape& layer) {
  const int64_t params = layer.mlp.dense_params - layer.mlp.plain_params;
  if (layer.mlp.experts > 0) {
    return {{{"mlp.shared_experts.down_proj", "mlp.shared_expert.down_proj", "feed_forward.shared_expert.down_proj",
              "mixer.shared_experts.down_proj"},
             params}};
  }
  return {{{"mlp.down_proj", "feed_forward.down_proj", "mlp.c_proj", "mixer.down_proj"}, params}};
}

std::vector<Probe> expert_probes(const LayerShape& layer) {
  const MlpShape& mlp = layer.mlp;
  return {{{"mlp.experts.0.down_proj", "block_sparse_moe.experts.0.w2", "feed_forward.experts.down_proj",
            "mixer.experts.0.down_proj"},
           mlp.experts * (mlp.expert_params - mlp.plain_expert_params)}};
}

// Parameters by format.
class Tally {
 public:
  explicit Tally(StorageFormat plain) : plain_(std::move(plain)) {}

  void add(const ModuleFormats& formats, size_t layer, const Probe& probe) {
    const StorageFormat& format = format_of(formats, layer, probe);
    for (Share& share : shares_) {
      if (share.format == format) {
        share.params += static_cast<double>(probe.params);
        return;
      }
    }
    shares_.push_back({format, static_cast<double>(probe.params)});
  }

  [[nodiscard]] StorageFormat format() const {
    double params = 0;
    double bits = 0;
    const Share* most = nullptr;
    for (const Share& share : shares_) {
      params += share.params;
      bits += share.params * share.format.bits_per_weight();
      if (share.params > 0 && (most == nullptr || share.params > most->params)) most = &share;
    }
    if (most == nullptr) return plain_;
    StorageFormat format = most->format;
    if (most->params == params) return format;
    format.bits = bits / params;
    format.group_bits = 0;
    return format;
  }

 private:
  struct Share {
    StorageFormat format;
    double params = 0;
  };

  const StorageFormat& format_of(const ModuleFormats& formats, size_t layer, const Probe& probe) const {
    std::vector<std::string> modules;
    for (const std::string_view name : probe.names) modules.push_back(fmt::format("layers.{}.{}", layer, name));
    for (const ModuleFormats::Rule& rule : formats.rules) {
      if (std::ranges::any_of(modules, [&](const std::string& module) { return covers(rule.pattern, module); })) {
        return rule.format ? *rule.format : plain_;
      }
    }
    return formats.otherwise ? *formats.otherwise : plain_;
  }

  StorageFormat plain_;
  std::vector<Share> shares_;
};

}  // namespace

void apply_formats(const ModuleFormats& formats, ModelShape& shape) {
  Tally attention(shape.attention_format);
  Tally mlp(shape.mlp_format);
  Tally experts(shape.expert_format);
  for (size_t i = 0; i < shape.layers.size(); ++i) {
    const LayerShape& layer = shape.layer(static_cast<int64_t>(i));
    for (const Probe& probe : attention_probes(shape, layer)) attention.add(formats, i, probe);
    for (const Probe& probe : mlp_probes(layer)) mlp.add(formats, i, probe);
    for (const Probe& probe : expert_probes(layer)) experts.add(formats, i, probe);
  }
  shape.attention_format = attention.format();
  shape.mlp_format = mlp.format();
  shape.expert_format = experts.format();
}

}  // namespace kerf
