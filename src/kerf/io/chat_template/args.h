// The arguments of one call, matched to the parameters' names as Python matches them.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "kerf/io/chat_template/value.h"

namespace kerf::jinja {

class Bound {
 public:
  // Raises when an argument has no parameter, or one of the first `required` parameters no argument.
  Bound(std::string_view function, const Args& args, std::initializer_list<std::string_view> parameters,
        size_t required = 0);

  [[nodiscard]] bool has(size_t index) const { return given_[index] != nullptr; }
  [[nodiscard]] bool has_value(size_t index) const { return has(index) && !given_[index]->is_none(); }  // not None
  // REQUIRES: has(index)
  [[nodiscard]] const Value& operator[](size_t index) const { return *given_[index]; }

  // These raise when the argument has another type.
  [[nodiscard]] int64_t integer(size_t index, int64_t otherwise) const;
  [[nodiscard]] bool flag(size_t index, bool otherwise) const;  // by truth value, any type
  [[nodiscard]] std::string_view text(size_t index) const;      // REQUIRES: has(index)
  [[nodiscard]] std::string_view text(size_t index, std::string_view otherwise) const;

 private:
  std::string_view function_;
  std::vector<const Value*> given_;
};

// Raises when there are any; for functions without parameters.
void expect_no_args(std::string_view function, const Args& args);

}  // namespace kerf::jinja
