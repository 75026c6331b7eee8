#include "kerf/io/topology/json_lists.h"

#include "kerf/io/catalog/rows.h"

namespace kerf {

Status each(const JsonFields& parent, const char* name, size_t at_most,
            const std::function<Status(const JsonFields&, const nlohmann::json&)>& read) {
  const nlohmann::json* list = parent.find(name);
  if (list == nullptr) return Ok{};
  if (!list->is_array() || list->size() > at_most) {
    return parent.wrong(name, fmt::format("a list of at most {}", at_most));
  }
  for (size_t i = 0; i < list->size(); ++i) {
    KERF_TRY(const JsonFields fields, JsonFields::of((*list)[i], fmt::format("{}: {}[{}]", parent.where(), name, i)));
    KERF_TRY_STATUS(read(fields, (*list)[i]));
  }
  return Ok{};
}

Result<int> int_field(const JsonFields& fields, const char* name, IntegerRange range, std::optional<int64_t> fallback) {
  KERF_TRY(const int64_t value, fields.integer(name, range, fallback));
  return static_cast<int>(value);
}

Result<std::vector<double>> number_list(const JsonFields& fields, const char* name) {
  std::vector<double> numbers;
  const nlohmann::json* list = fields.find(name);
  if (list == nullptr) return numbers;
  if (!list->is_array() || list->size() > kMaxPoints) return fields.wrong(name, "a list of numbers");
  for (const nlohmann::json& item : *list) {
    if (!item.is_number()) return fields.wrong(name, "a list of numbers");
    const auto number = item.get<double>();
    if (!(number >= kFigure.min && number <= kFigure.max)) return fields.wrong(name, "a list of numbers from 0 on");
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace kerf
