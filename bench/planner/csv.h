// Comma-separated values with quotes, as RFC 4180 has them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kerf/base/result.h"

namespace kerf::bench {

// A row by the names of the header; an absent column reads as "".
class CsvRow {
 public:
  CsvRow(const std::map<std::string, size_t>* columns, std::vector<std::string> cells)
      : columns_(columns), cells_(std::move(cells)) {}
  [[nodiscard]] std::string text(const std::string& column) const;
  [[nodiscard]] double number(const std::string& column, double fallback = 0) const;

 private:
  const std::map<std::string, size_t>* columns_;
  std::vector<std::string> cells_;
};

struct CsvTable {
  std::map<std::string, size_t> columns;
  std::vector<std::vector<std::string>> cells;
  [[nodiscard]] CsvRow row(size_t i) const { return {&columns, cells[i]}; }
};

[[nodiscard]] Result<CsvTable> read_csv(const std::filesystem::path& path);

}  // namespace kerf::bench
