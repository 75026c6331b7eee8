#include "kerf/io/tokenizer/pre_tokenizer.h"

#include <utility>

namespace kerf {
namespace {

// GPT-2's words: contractions, letters, digits and the rest, each with the space before it.
constexpr std::string_view kGpt2Expression =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

constexpr std::pair<std::string_view, SplitBehavior> kBehaviors[] = {
    {"Removed", SplitBehavior::kRemoved},
    {"Isolated", SplitBehavior::kIsolated},
    {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
    {"MergedWithNext", SplitBehavior::kMergedWithNext},
    {"Contiguous", SplitBehavior::kContiguous},
};

Result<SplitBehavior> behavior_from_json(const JsonNode& node) {
  KERF_TRY(const std::string text, node.string());
  for (const auto& [name, behavior] : kBehaviors) {
    if (text == name) return behavior;
  }
  return node.error(
      fmt::format("is \"{}\"; it must be Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous", text));
}

// Prepends to every piece that `wants` it.
template <typename Wants>
void prepend_where(Pieces& pieces, const std::string& prefix, Wants wants) {
  for (Piece& piece : pieces.list) {
    if (piece.text.empty() || piece.text.starts_with(prefix) || !wants(piece)) continue;
    piece.text = pieces.owned.emplace_back(prefix + std::string(piece.text));
  }
}

// A maximal stretch of a text that is, or is not, a match.
struct Stretch {
  size_t begin, end;
  bool match;
};

std::vector<Stretch> stretches_of(std::string_view text, const Pattern& pattern, bool invert) {
  std::vector<Stretch> stretches;
  size_t done = 0;
  for (const Pattern::Match& match : pattern.find_all(text)) {
    if (match.begin > done) stretches.push_back({done, match.begin, invert});
    stretches.push_back({match.begin, match.end, !invert});
    done = match.end;
  }
  if (done < text.size()) stretches.push_back({done, text.size(), invert});
  return stretches;
}

// Whether `next` continues the part that `last` ends.
bool joins(const Stretch& last, const Stretch& next, SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::kMergedWithPrevious: return next.match && !last.match;
    case SplitBehavior::kMergedWithNext: return last.match && !next.match;
    case SplitBehavior::kContiguous: return last.match == next.match;
    case SplitBehavior::kRemoved:
    case SplitBehavior::kIsolated: return false;
  }
  return false;
}

}  // namespace

std::vector<std::string_view> split_text(std::string_view text, const Pattern& pattern, SplitBehavior behavior,
                                         bool invert) {
  std::vector<std::string_view> parts;
  const std::vector<Stretch> stretches = stretches_of(text, pattern, invert);
  for (size_t i = 0; i < stretches.size(); ++i) {
    const size_t begin = stretches[i].begin;
    if (behavior == SplitBehavior::kRemoved && stretches[i].match) continue;
    while (i + 1 < stretches.size() && joins(stretches[i], stretches[i + 1], behavior)) ++i;
    if (stretches[i].end > begin) parts.push_back(text.substr(begin, stretches[i].end - begin));
  }
  return parts;
}

Result<PreTokenizer> PreTokenizer::from_json(const JsonNode& node) {
  PreTokenizer pre_tokenizer;
  if (node.present()) KERF_TRY_STATUS(pre_tokenizer.add(node));
  return pre_tokenizer;
}

Status PreTokenizer::add(const JsonNode& node) {
  KERF_TRY(const std::string type, node["type"].string());
  if (byte_level_) return node.error(fmt::format("({}) follows a ByteLevel, which must come last", type));
  if (type == "Sequence") {
    KERF_TRY(const auto children, node["pretokenizers"].elements());
    for (const JsonNode& child : children) KERF_TRY_STATUS(add(child));
    return Ok{};
  }
  if (type == "ByteLevel") return add_byte_level(node);
  if (type == "Split") {
    KERF_TRY(const Pattern pattern, Pattern::from_json(node["pattern"]));
    KERF_TRY(const SplitBehavior behavior, behavior_from_json(node["behavior"]));
    KERF_TRY(const bool invert, node["invert"].boolean_or(false));
    add_split(pattern, behavior, invert);
    return Ok{};
  }
  if (type == "Metaspace") return add_metaspace(node);
  if (type == "Digits") {
    KERF_TRY(const bool individual, node["individual_digits"].boolean_or(false));
    return add_split(R"(\p{N})", individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous);
  }
  if (type == "Punctuation") {
    SplitBehavior behavior = SplitBehavior::kIsolated;
    if (node["behavior"].present()) {
      KERF_TRY(behavior, behavior_from_json(node["behavior"]));
    }
    return add_split(R"([\p{P}$+<=>^`|~])", behavior);
  }
  if (type == "Whitespace") return add_split(R"(\w+|[^\w\s]+)", SplitBehavior::kRemoved, true);
  if (type == "WhitespaceSplit") return add_split(R"(\s)", SplitBehavior::kRemoved);
  return node.error(
      fmt::format("is a \"{}\"; kerf knows Sequence, ByteLevel, Split, Metaspace, Digits, Punctuation, "
                  "Whitespace and WhitespaceSplit",
                  type));
}

void PreTokenizer::add_split(const Pattern& pattern, SplitBehavior behavior, bool invert) {
  steps_.emplace_back([pattern, behavior, invert](Pieces& pieces) {
    std::vector<Piece> parts;
    for (const Piece& piece : pieces.list) {
      for (const std::string_view part : split_text(piece.text, pattern, behavior, invert)) {
        parts.push_back({part, piece.at_start && part.data() == piece.text.data()});
      }
    }
    pieces.list = std::move(parts);
  });
}

Status PreTokenizer::add_split(std::string_view expression, SplitBehavior behavior, bool invert) {
  KERF_TRY(const Pattern pattern, Pattern::regex(expression));
  add_split(pattern, behavior, invert);
  return Ok{};
}

Status PreTokenizer::add_byte_level(const JsonNode& node) {
  KERF_TRY(const bool add_prefix_space, node["add_prefix_space"].boolean_or(true));
  KERF_TRY(const bool use_regex, node["use_regex"].boolean_or(true));
  if (add_prefix_space) {
    steps_.emplace_back([](Pieces& pieces) { prepend_where(pieces, " ", [](const Piece&) { return true; }); });
  }
  if (use_regex) KERF_TRY_STATUS(add_split(kGpt2Expression, SplitBehavior::kIsolated));
  byte_level_ = true;
  return Ok{};
}

Status PreTokenizer::add_metaspace(const JsonNode& node) {
  KERF_TRY(const std::string mark, node["replacement"].string_or("▁"));
  KERF_TRY(const std::string scheme, metaspace_prepend_scheme(node));
  KERF_TRY(const bool split, node["split"].boolean_or(true));
  steps_.emplace_back([mark, spaces = Pattern::literal(" ")](Pieces& pieces) {
    for (Piece& piece : pieces.list) piece.text = pieces.owned.emplace_back(spaces.replace_all(piece.text, mark));
  });
  if (scheme != "never") {
    steps_.emplace_back([mark, only_first = scheme == "first"](Pieces& pieces) {
      prepend_where(pieces, mark, [&](const Piece& piece) { return piece.at_start || !only_first; });
    });
  }
  if (split) add_split(Pattern::literal(mark), SplitBehavior::kMergedWithNext, false);
  return Ok{};
}

Pieces PreTokenizer::apply(Piece text) const {
  Pieces pieces;
  pieces.list.push_back(text);
  for (const Step& step : steps_) step(pieces);
  return pieces;
}

Result<std::string> metaspace_prepend_scheme(const JsonNode& node) {
  KERF_TRY(const bool add_prefix_space, node["add_prefix_space"].boolean_or(true));
  KERF_TRY(const std::string scheme, node["prepend_scheme"].string_or(add_prefix_space ? "always" : "never"));
  if (scheme == "first" || scheme == "always" || scheme == "never") return scheme;
  return node["prepend_scheme"].error(fmt::format("is \"{}\"; it must be first, always or never", scheme));
}

}  // namespace kerf
