#include "kerf/io/topology/text_table.h"

#include <algorithm>
#include <cctype>

namespace kerf {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// ESC [ … letter: colours, underlines, and what else terminals take.
std::string without_escapes(std::string_view line) {
  std::string plain;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b') {
      if (i + 1 < line.size() && line[i + 1] == '[') ++i;
      while (i + 1 < line.size() && std::isalpha(static_cast<unsigned char>(line[i + 1])) == 0) ++i;
      ++i;
    } else if (line.substr(i).starts_with("\xc2\xa0")) {  // no-break space
      plain += ' ';
      ++i;
    } else if (line.substr(i).starts_with("\xe2\x80\xa6")) {  // ellipsis
      plain += "...";
      i += 2;
    } else if (static_cast<unsigned char>(line[i]) >= 0x7f) {  // no tool prints such in a table
      plain += '?';
    } else if (line[i] != '\r') {
      plain += line[i];
    }
  }
  while (!plain.empty() && is_blank(plain.back())) plain.pop_back();
  return plain;
}

}  // namespace

std::vector<TextLine> clean_lines(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<TextLine> lines;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back({.number = number, .text = without_escapes(text.substr(0, end))});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<TextWord> words_of(std::string_view line) {
  std::vector<TextWord> words;
  for (size_t i = 0; i < line.size();) {
    if (is_blank(line[i])) {
      ++i;
      continue;
    }
    const size_t begin = i;
    while (i < line.size() && !is_blank(line[i])) ++i;
    words.push_back({.text = std::string(line.substr(begin, i - begin)), .column = begin});
  }
  return words;
}

std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  while (true) {
    const size_t end = std::min(line.find('\t'), line.size());
    cells.emplace_back(trimmed(line.substr(0, end)));
    if (end == line.size()) return cells;
    line.remove_prefix(end + 1);
  }
}

bool is_numbered(std::string_view word, std::string_view prefix) {
  if (!word.starts_with(prefix) || word.size() == prefix.size() || word.size() > prefix.size() + 4) return false;
  return std::ranges::all_of(word.substr(prefix.size()),
                             [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

}  // namespace kerf
