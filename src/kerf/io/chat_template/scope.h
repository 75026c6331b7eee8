#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "kerf/io/chat_template/ast.h"

namespace kerf::jinja {

// The variables of one pass of a loop, one call of a macro, one block; a child of the scope around it.
class Scope {
 public:
  Scope(Meter& meter, std::shared_ptr<Scope> parent) : parent_(std::move(parent)), charge_(meter, 0) {}

  void set(Symbol symbol, Value value) {
    if (Value* found = own(symbol)) {
      *found = std::move(value);
      return;
    }
    charge_.grow(2 * sizeof(variables_[0]));  // a vector's capacity is up to twice its size
    variables_.emplace_back(symbol, std::move(value));
  }

  // Here or in a scope around; null when there is none.
  [[nodiscard]] const Value* find(Symbol symbol) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent_.get()) {
      if (const Value* found = scope->own(symbol)) return found;
    }
    return nullptr;
  }

 private:
  [[nodiscard]] const Value* own(Symbol symbol) const {
    for (const auto& [name, value] : variables_) {
      if (name == symbol) return &value;
    }
    return nullptr;
  }
  [[nodiscard]] Value* own(Symbol symbol) { return const_cast<Value*>(std::as_const(*this).own(symbol)); }

  std::shared_ptr<Scope> parent_;
  std::vector<std::pair<Symbol, Value>> variables_;
  Charge charge_;
};

}  // namespace kerf::jinja
