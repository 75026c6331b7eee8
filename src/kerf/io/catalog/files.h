// The files of catalog/, as they were when kerf was built, or those of $KERF_CATALOG where that is set.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

struct CatalogFile {
  std::string_view name;  // "gpus.json", "models/Llama-3.1-70B.json"
  std::string_view text;
};

extern const CatalogFile kCatalogFiles[];  // embedded
extern const size_t kCatalogFileCount;

// Whether $KERF_CATALOG is set.
[[nodiscard]] bool catalog_is_overridden();

// The text of one file. Fails when there is none of that name.
[[nodiscard]] Result<std::string> read_catalog_file(std::string_view name);

// The names of all files whose name begins with `prefix`, sorted.
[[nodiscard]] Result<std::vector<std::string>> list_catalog_files(std::string_view prefix);

}  // namespace kerf
