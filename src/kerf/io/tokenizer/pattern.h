// What the "pattern" field of a tokenizer.json means: a literal {"String": ...} or a regular
// expression {"Regex": ...}.
//
// Expressions are Oniguruma's in the Hugging Face library; here they run on PCRE2 with Unicode
// properties, whose syntax agrees for every pattern that published tokenizers use.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/tokenizer/json_node.h"

struct pcre2_real_code_8;

namespace kerf {

// Threading: const methods may be called from any number of threads.
class Pattern {
 public:
  struct Match {
    size_t begin, end;  // bytes of the subject
  };

  // The member "pattern" of a component. Fails when it is neither form, or does not compile.
  static Result<Pattern> from_json(const JsonNode& node);
  static Result<Pattern> regex(std::string_view expression);
  static Pattern literal(std::string_view text);

  // All matches from left to right, without overlap. Never fails: ill-formed bytes match nothing, and an
  // expression that exhausts its budget of steps finds nothing further.
  [[nodiscard]] std::vector<Match> find_all(std::string_view subject) const;
  [[nodiscard]] std::string replace_all(std::string_view subject, std::string_view replacement) const;

 private:
  void find_literal(std::string_view subject, std::vector<Match>& matches) const;
  void find_regex(std::string_view subject, size_t offset, std::vector<Match>& matches) const;

  std::string literal_;
  std::shared_ptr<const pcre2_real_code_8> code_;  // null: a literal
};

}  // namespace kerf
