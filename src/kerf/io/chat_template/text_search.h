// Searching and cutting text in linear time, whatever the text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "kerf/io/chat_template/meter.h"

namespace kerf::jinja {

// The first byte of `needle` in `text` at or after `from`, or npos.
[[nodiscard]] size_t find_text(std::string_view text, std::string_view needle, size_t from = 0);

// text.replace(old, fresh, count); count -1: all.
void append_replaced(TextBuilder& out, std::string_view text, std::string_view old, std::string_view fresh,
                     int64_t count);

// Views into a text, charged while they are held.
class Pieces {
 public:
  explicit Pieces(Meter& meter) : charge_(meter, 0) {}
  void add(std::string_view piece) {
    charge_.grow(2 * sizeof(std::string_view));  // a vector's capacity is up to twice its size
    views_.push_back(piece);
  }
  void reverse() { std::reverse(views_.begin(), views_.end()); }
  [[nodiscard]] const std::vector<std::string_view>& views() const { return views_; }
  [[nodiscard]] auto begin() const { return views_.begin(); }
  [[nodiscard]] auto end() const { return views_.end(); }

 private:
  Charge charge_;
  std::vector<std::string_view> views_;
};

// str.split and str.rsplit with a separator, and on whitespace. max_splits -1: all.
[[nodiscard]] Pieces split_at(Meter& meter, std::string_view text, std::string_view separator, int64_t max_splits);
[[nodiscard]] Pieces split_words(Meter& meter, std::string_view text, int64_t max_splits);
[[nodiscard]] Pieces split_at_from_right(Meter& meter, std::string_view text, std::string_view separator,
                                         int64_t max_splits);
[[nodiscard]] Pieces split_words_from_right(Meter& meter, std::string_view text, int64_t max_splits);
[[nodiscard]] Pieces split_lines(Meter& meter, std::string_view text, bool keep_ends);

}  // namespace kerf::jinja
