#include "kerf/io/chat_template/text_search.h"

#include <cstring>

#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

constexpr auto kNone = std::string_view::npos;

bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

// Python puts `fresh` before every character and at the end.
void append_interleaved(TextBuilder& out, std::string_view text, std::string_view fresh, int64_t count) {
  for (size_t at = 0; at <= text.size(); --count) {
    if (count == 0) return out.append(text.substr(at));
    out.append(fresh);
    if (at == text.size()) return;
    const size_t start = at;
    (void)next_char(text, at);
    out.append(text.substr(start, at - start));
  }
}

}  // namespace

size_t find_text(std::string_view text, std::string_view needle, size_t from) {
  if (from > text.size()) return kNone;
  if (needle.empty()) return from;
  // glibc's memmem takes linear time, std::string_view::find text × needle.
  const void* found = memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  return found == nullptr ? kNone : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

void append_replaced(TextBuilder& out, std::string_view text, std::string_view old, std::string_view fresh,
                     int64_t count) {
  if (old.empty()) return append_interleaved(out, text, fresh, count);
  size_t at = 0;
  for (; count != 0; --count) {
    const size_t found = find_text(text, old, at);
    if (found == kNone) break;
    out.append(text.substr(at, found - at));
    out.append(fresh);
    at = found + old.size();
  }
  out.append(text.substr(at));
}

Pieces split_at(Meter& meter, std::string_view text, std::string_view separator, int64_t max_splits) {
  Pieces pieces(meter);
  size_t at = 0;
  for (; max_splits != 0; --max_splits) {
    const size_t found = find_text(text, separator, at);
    if (found == kNone) break;
    pieces.add(text.substr(at, found - at));
    at = found + separator.size();
  }
  pieces.add(text.substr(at));
  return pieces;
}

Pieces split_words(Meter& meter, std::string_view text, int64_t max_splits) {
  Pieces pieces(meter);
  for (text = strip_left(text); !text.empty(); text = strip_left(text), --max_splits) {
    if (max_splits == 0) {
      pieces.add(text);
      break;
    }
    size_t end = 0;
    while (end < text.size()) {
      size_t after = end;
      if (is_space(next_char(text, after))) break;
      end = after;
    }
    pieces.add(text.substr(0, end));
    text.remove_prefix(end);
  }
  return pieces;
}

Pieces split_at_from_right(Meter& meter, std::string_view text, std::string_view separator, int64_t max_splits) {
  meter.work(text.size() * separator.size());  // rfind's worst case
  Pieces pieces(meter);
  for (; max_splits != 0; --max_splits) {
    const size_t found = text.rfind(separator);
    if (found == kNone) break;
    pieces.add(text.substr(found + separator.size()));
    text = text.substr(0, found);
  }
  pieces.add(text);
  pieces.reverse();
  return pieces;
}

Pieces split_words_from_right(Meter& meter, std::string_view text, int64_t max_splits) {
  Pieces pieces(meter);
  for (text = strip_right(text); !text.empty(); text = strip_right(text), --max_splits) {
    if (max_splits == 0) {
      pieces.add(text);
      break;
    }
    size_t start = text.size();
    while (start > 0) {
      size_t before = start - 1;
      while ((static_cast<unsigned char>(text[before]) & 0xC0) == 0x80) --before;
      size_t at = before;
      if (is_space(next_char(text, at))) break;
      start = before;
    }
    pieces.add(text.substr(start));
    text = text.substr(0, start);
  }
  pieces.reverse();
  return pieces;
}

Pieces split_lines(Meter& meter, std::string_view text, bool keep_ends) {
  Pieces pieces(meter);
  size_t start = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = at;
    const char32_t c = next_char(text, at);
    if (!is_line_end(c)) continue;
    if (c == U'\r' && at < text.size() && text[at] == '\n') ++at;
    pieces.add(text.substr(start, (keep_ends ? at : end) - start));
    start = at;
  }
  if (start < text.size()) pieces.add(text.substr(start));
  return pieces;
}

}  // namespace kerf::jinja
