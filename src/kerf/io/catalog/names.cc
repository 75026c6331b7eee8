#include "kerf/io/catalog/names.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <numeric>

#include "kerf/io/json.h"

namespace kerf {

namespace {

constexpr size_t kMostSuggestions = 8;

// Levenshtein's distance.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

bool near(std::string_view name, std::string_view known) {
  if (name.size() >= 2 && (known.find(name) != std::string_view::npos || name.find(known) != std::string_view::npos)) {
    return true;
  }
  return edit_distance(name, known) <= 1 + std::min(name.size(), known.size()) / 4;
}

}  // namespace

std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name.substr(0, 200)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  for (const std::string_view vendor : {"nvidia", "geforce", "tesla", "amd", "instinct"}) {
    if (plain.starts_with(vendor)) plain.erase(0, vendor.size());
  }
  return plain;
}

Error unknown_name(std::string_view kind, std::string_view file, std::string_view name,
                   const std::vector<std::string>& known) {
  std::vector<std::string> close;
  const std::string plain = plain_name(name);
  std::ranges::copy_if(known, std::back_inserter(close),
                       [&](const std::string& other) { return near(plain, plain_name(other)); });
  if (close.size() > kMostSuggestions) close.resize(kMostSuggestions);
  return fail("the catalogue has no {} '{}'; {} {}, or add it to catalog/{}", kind, shown(name),
              close.empty() ? "it knows" : "near it are", fmt::join(close.empty() ? known : close, ", "), file);
}

}  // namespace kerf
