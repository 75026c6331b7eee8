// CodePoints: a set of characters, as ranges.
#pragma once

#include <vector>

namespace kerf {

class CodePoints {
 public:
  struct Range {
    char32_t low, high;
    bool operator==(const Range&) const = default;
  };
  static constexpr char32_t kLast = 0x10FFFF;

  CodePoints() = default;
  CodePoints(std::initializer_list<Range> ranges);
  static CodePoints all() { return {{0, kLast}}; }

  void add(char32_t low, char32_t high);
  void add(const CodePoints& other);
  [[nodiscard]] CodePoints complement() const;

  // Ascending, neither overlapping nor touching.
  [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

}  // namespace kerf
