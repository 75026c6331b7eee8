#include "kerf/io/chat_template/args.h"

#include <algorithm>

#include "kerf/io/chat_template/error.h"

namespace kerf::jinja {

Bound::Bound(std::string_view function, const Args& args, std::initializer_list<std::string_view> parameters,
             size_t required)
    : function_(function), given_(parameters.size(), nullptr) {
  if (args.positional.size() > parameters.size()) {
    raise("{}() takes at most {} arguments, {} given", function, parameters.size(), args.positional.size());
  }
  for (size_t i = 0; i < args.positional.size(); ++i) given_[i] = &args.positional[i];
  for (const auto& [name, value] : args.named) {
    const auto* at = std::find(parameters.begin(), parameters.end(), name);
    if (at == parameters.end()) raise("{}() got an unexpected keyword argument '{}'", function, name);
    const Value*& slot = given_[static_cast<size_t>(at - parameters.begin())];
    if (slot != nullptr) raise("{}() got multiple values for argument '{}'", function, name);
    slot = &value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (!has(i)) raise("{}() misses its argument '{}'", function, parameters.begin()[i]);
  }
}

int64_t Bound::integer(size_t index, int64_t otherwise) const {
  if (!has(index)) return otherwise;
  const Value& value = (*this)[index];
  if (value.is_undefined()) raise_undefined(value);
  if (!value.is_integral()) raise("{}() needs an integer, not {}", function_, type_name(value));
  return value.integer();
}

bool Bound::flag(size_t index, bool otherwise) const { return has(index) ? truthy((*this)[index]) : otherwise; }

std::string_view Bound::text(size_t index) const {
  const Value& value = (*this)[index];
  if (value.is_undefined()) raise_undefined(value);
  if (!value.is_string()) raise("{}() needs a string, not {}", function_, type_name(value));
  return value.text();
}

std::string_view Bound::text(size_t index, std::string_view otherwise) const {
  return has(index) ? text(index) : otherwise;
}

void expect_no_args(std::string_view function, const Args& args) { (void)Bound(function, args, {}); }

}  // namespace kerf::jinja
