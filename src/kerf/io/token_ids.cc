#include "kerf/io/token_ids.h"

namespace kerf {

Result<std::vector<int32_t>> token_ids(const JsonFields& fields, std::string_view name) {
  std::vector<int32_t> ids;
  const nlohmann::json* field = fields.find(name);
  if (field == nullptr) return ids;
  const nlohmann::json list = field->is_array() ? *field : nlohmann::json::array({*field});
  for (const nlohmann::json& id : list) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX) {
      return fields.wrong(name, "a token id >= 0, or a list of them");
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

}  // namespace kerf
