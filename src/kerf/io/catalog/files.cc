#include "kerf/io/catalog/files.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

namespace kerf {

namespace {

namespace fs = std::filesystem;

const char* override_directory() {
  const char* directory = std::getenv("KERF_CATALOG");
  return directory != nullptr && *directory != '\0' ? directory : nullptr;
}

std::span<const CatalogFile> embedded() { return {kCatalogFiles, kCatalogFileCount}; }

}  // namespace

bool catalog_is_overridden() { return override_directory() != nullptr; }

Result<std::string> read_catalog_file(std::string_view name) {
  if (const char* directory = override_directory()) {
    const fs::path path = fs::path(directory) / name;
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail("{}: cannot be read; KERF_CATALOG is to be a copy of kerf's catalog/", path.string());
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  const auto found = std::ranges::find(embedded(), name, &CatalogFile::name);
  if (found == embedded().end()) return fail("the catalogue has no file '{}'", name);
  return std::string(found->text);
}

Result<std::vector<std::string>> list_catalog_files(std::string_view prefix) {
  std::vector<std::string> names;
  if (const char* directory = override_directory()) {
    std::error_code error;
    for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
      if (it->is_regular_file()) names.push_back(fs::path(it->path()).lexically_relative(directory).generic_string());
    }
    if (error) return fail("{}: {}; KERF_CATALOG is to be a copy of kerf's catalog/", directory, error.message());
  } else {
    for (const CatalogFile& file : embedded()) names.emplace_back(file.name);
  }
  std::erase_if(names, [&](const std::string& name) { return !name.starts_with(prefix) || !name.ends_with(".json"); });
  std::ranges::sort(names);
  return names;
}

}  // namespace kerf
