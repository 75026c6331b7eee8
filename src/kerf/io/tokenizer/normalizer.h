// The "normalizer" of a tokenizer.json: what happens to text before it is cut into pieces.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/tokenizer/json_node.h"

namespace kerf {

// Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, Strip.
// Ill-formed bytes pass through as they are. Threading: apply() may be called from many threads.
class Normalizer {
 public:
  // An absent node is the normalizer that changes nothing.
  static Result<Normalizer> from_json(const JsonNode& node);

  [[nodiscard]] std::string apply(std::string_view text) const;

 private:
  using Step = std::function<std::string(std::string_view)>;
  Status add(const JsonNode& node);

  std::vector<Step> steps_;
};

}  // namespace kerf
