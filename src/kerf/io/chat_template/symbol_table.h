#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "kerf/io/chat_template/ast.h"

namespace kerf::jinja {

// Names that the evaluator itself assigns; every table starts with them.
inline constexpr Symbol kLoopSymbol = 0;
inline constexpr Symbol kCallerSymbol = 1;
inline constexpr Symbol kVarargsSymbol = 2;
inline constexpr Symbol kKwargsSymbol = 3;

// The names of a template, numbered in the order of their appearance.
class SymbolTable {
 public:
  SymbolTable() {
    for (const char* name : {"loop", "caller", "varargs", "kwargs"}) intern(name);
  }

  Symbol intern(const std::string& name) {
    const auto [at, added] = index_.try_emplace(name, static_cast<Symbol>(names_.size()));
    if (added) names_.push_back(name);
    return at->second;
  }
  [[nodiscard]] std::vector<std::string> take() { return std::move(names_); }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, Symbol> index_;
};

}  // namespace kerf::jinja
