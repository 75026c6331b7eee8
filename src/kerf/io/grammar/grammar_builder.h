// GrammarBuilder: rules one by one, then the grammar.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kerf/io/grammar/dfa.h"
#include "kerf/io/grammar/grammar.h"

namespace kerf {

class GrammarBuilder {
 public:
  // A rule that others may call before it is defined. name: for messages.
  RuleId declare(std::string name);
  // REQUIRES: defined once; a rule that matches no text is allowed, one that matches the empty text is not.
  void define(RuleId rule, Dfa dfa, Counter counter = {});

  [[nodiscard]] GrammarBudget& budget() { return budget_; }

  // Fails when no finite text matches the root, or when a rule can call itself before any byte.
  [[nodiscard]] Result<Grammar> finish(RuleId root);

 private:
  struct Rule {
    std::string name;
    Dfa dfa;
    Counter counter;
    bool productive = false;  // matches some finite text
  };
  [[nodiscard]] bool passable(const Rule& rule, EdgeFlags flags) const;
  [[nodiscard]] std::vector<bool> living_states(const Rule& rule) const;
  void find_productive();
  void prune();
  [[nodiscard]] Status check_left_recursion(const std::vector<RuleId>& order) const;
  [[nodiscard]] std::vector<RuleId> reachable_from(RuleId root) const;
  [[nodiscard]] Grammar flatten(const std::vector<RuleId>& order) const;

  GrammarBudget budget_;
  std::vector<Rule> rules_;
};

}  // namespace kerf
