// The `attribute` argument of filters: "name", "a.b.0", an index, or none for the item itself.
#pragma once

#include <vector>

#include "kerf/io/chat_template/runtime.h"

namespace kerf::jinja {

class AttributePath {
 public:
  AttributePath() = default;
  AttributePath(Runtime& rt, const Value& attribute);

  // Of each step that finds nothing, `fallback`, unless that is none.
  [[nodiscard]] Value of(Runtime& rt, Value item, const Value& fallback = None{}) const;

 private:
  std::vector<Value> steps_;
};

// Strings in lower case, everything else as it is.
[[nodiscard]] Value ignore_case(Runtime& rt, const Value& value);

}  // namespace kerf::jinja
