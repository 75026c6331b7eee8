#include "kerf/io/tokenizer/normalizer.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include "kerf/io/tokenizer/pattern.h"
#include "kerf/io/tokenizer/unicode.h"
#include "kerf/io/tokenizer/utf8.h"

namespace kerf {
namespace {

bool is_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

// Applies `change` to the well-formed runs and leaves other bytes as they are.
template <typename Change>
std::string map_valid(std::string_view text, Change change) {
  std::string result;
  result.reserve(text.size());
  for_each_utf8_run(text, [&](std::string_view run, bool valid) {
    if (valid) {
      change(run, result);
    } else {
      result += run;
    }
  });
  return result;
}

// One of the four Unicode normal forms. ASCII is already in all of them.
std::string unicode_form(std::string_view text, int form) {
  if (is_ascii(text)) return std::string(text);
  return map_valid(text, [form](std::string_view run, std::string& out) {
    utf8proc_uint8_t* mapped = nullptr;
    const utf8proc_ssize_t length =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(run.data()), static_cast<utf8proc_ssize_t>(run.size()),
                     &mapped, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | form));
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(mapped, &std::free);
    if (length < 0) {
      out += run;
    } else {
      out.append(reinterpret_cast<const char*>(mapped), static_cast<size_t>(length));
    }
  });
}

std::string lowercase(std::string_view text) {
  return map_valid(text, [](std::string_view run, std::string& out) {
    while (!run.empty()) {
      const Utf8Sequence sequence = first_utf8(run);
      if (sequence.code_point == U'\u0130') {  // the one character whose lower case is two: i and a dot above
        out += "i\u0307";
      } else {
        append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(sequence.code_point))));
      }
      run.remove_prefix(sequence.length);
    }
  });
}

std::string strip(std::string_view text, bool left, bool right) {
  if (left) text.remove_prefix(leading_whitespace(text));
  if (right) text.remove_suffix(trailing_whitespace(text));
  return std::string(text);
}

}  // namespace

Result<Normalizer> Normalizer::from_json(const JsonNode& node) {
  Normalizer normalizer;
  if (node.present()) KERF_TRY_STATUS(normalizer.add(node));
  return normalizer;
}

Status Normalizer::add(const JsonNode& node) {
  constexpr std::pair<std::string_view, int> kForms[] = {
      {"NFC", UTF8PROC_COMPOSE},
      {"NFD", UTF8PROC_DECOMPOSE},
      {"NFKC", UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
      {"NFKD", UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT},
  };
  KERF_TRY(const std::string type, node["type"].string());
  for (const auto& [name, form] : kForms) {
    if (type != name) continue;
    steps_.emplace_back([form = form](std::string_view text) { return unicode_form(text, form); });
    return Ok{};
  }
  if (type == "Sequence") {
    KERF_TRY(const auto children, node["normalizers"].elements());
    for (const JsonNode& child : children) KERF_TRY_STATUS(add(child));
  } else if (type == "Prepend") {
    KERF_TRY(const std::string prefix, node["prepend"].string());
    steps_.emplace_back([prefix](std::string_view text) { return text.empty() ? "" : prefix + std::string(text); });
  } else if (type == "Replace") {
    KERF_TRY(const Pattern pattern, Pattern::from_json(node["pattern"]));
    KERF_TRY(const std::string content, node["content"].string());
    steps_.emplace_back([pattern, content](std::string_view text) { return pattern.replace_all(text, content); });
  } else if (type == "Strip") {
    KERF_TRY(const bool left, node["strip_left"].boolean_or(true));
    KERF_TRY(const bool right, node["strip_right"].boolean_or(true));
    steps_.emplace_back([left, right](std::string_view text) { return strip(text, left, right); });
  } else if (type == "Lowercase") {
    steps_.emplace_back(lowercase);
  } else {
    return node.error(fmt::format(
        "is a \"{}\"; kerf knows Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace and Strip", type));
  }
  return Ok{};
}

std::string Normalizer::apply(std::string_view text) const {
  std::string normal(text);
  for (const Step& step : steps_) normal = step(normal);
  return normal;
}

}  // namespace kerf
