#include "bench/planner/csv.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace kerf::bench {

namespace {

std::vector<std::vector<std::string>> parse(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  std::string cell;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      cell += c;
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ',' || c == '\n')) {
      row.push_back(std::move(cell));
      cell.clear();
      if (c == ',') continue;
      rows.push_back(std::move(row));
      row.clear();
    } else if (c != '\r' || quoted) {
      cell += c;
    }
  }
  if (!cell.empty() || !row.empty()) {
    row.push_back(std::move(cell));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::string CsvRow::text(const std::string& column) const {
  const auto at = columns_->find(column);
  return at == columns_->end() || at->second >= cells_.size() ? "" : cells_[at->second];
}

double CsvRow::number(const std::string& column, double fallback) const {
  const std::string cell = text(column);
  char* end = nullptr;
  const double value = std::strtod(cell.c_str(), &end);
  return end == cell.c_str() ? fallback : value;
}

Result<CsvTable> read_csv(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail("{}: cannot be read", path.string());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::vector<std::string>> rows = parse(text);
  if (rows.empty()) return fail("{}: is empty", path.string());
  CsvTable table;
  for (size_t i = 0; i < rows[0].size(); ++i) table.columns[rows[0][i]] = i;
  table.cells.assign(rows.begin() + 1, rows.end());
  return table;
}

}  // namespace kerf::bench
