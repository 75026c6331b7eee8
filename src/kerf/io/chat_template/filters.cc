#include "kerf/io/chat_template/filters.h"

#include "kerf/io/chat_template/error.h"

namespace kerf::jinja {

FilterFn find_filter(std::string_view name) {
  for (const auto find :
       {find_text_filter, find_number_filter, find_sequence_filter, find_selecting_filter, find_ordering_filter}) {
    if (const FilterFn filter = find(name)) return filter;
  }
  return nullptr;
}

Value apply_filter(Runtime& rt, std::string_view name, const Value& input, const Args& args) {
  const FilterFn filter = find_filter(name);
  if (filter == nullptr) raise("No filter named '{}'", name);
  rt.meter().step();
  return filter(rt, input, args);
}

}  // namespace kerf::jinja
