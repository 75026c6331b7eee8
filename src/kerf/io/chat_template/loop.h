#pragma once

#include "kerf/io/chat_template/evaluator.h"

namespace kerf::jinja {

// The variable `loop` inside a for block.
class Loop : public Object {
 public:
  Loop(Evaluator& evaluator, const For& node, std::shared_ptr<Scope> closure, Ref<List> items, int64_t depth)
      : length_(static_cast<int64_t>(items->items.size())),
        depth_(depth),
        evaluator_(evaluator),
        node_(node),
        closure_(std::move(closure)),
        items_(std::move(items)) {}

  // Lets go of everything when the loop is over, so that a loop kept in a namespace holds no cycle.
  class Ending {
   public:
    explicit Ending(Loop& loop) : loop_(loop) {}
    ~Ending() { loop_.end(); }
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;

   private:
    Loop& loop_;
  };

  size_t index = 0;  // of the item that is being visited

  [[nodiscard]] std::string_view type_name() const override { return "LoopContext"; }
  [[nodiscard]] std::string repr(Runtime& rt) const override;
  [[nodiscard]] std::optional<Value> attr(Runtime& rt, std::string_view name) override;
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime& rt, const Args& args) override;

 private:
  static Value cycle(Runtime& rt, const Value& self, const Args& args);
  static Value changed(Runtime& rt, const Value& self, const Args& args);
  void end();

  int64_t length_;
  int64_t depth_;  // of recursion, from 0
  Evaluator& evaluator_;
  const For& node_;
  std::shared_ptr<Scope> closure_;  // null when the loop is over
  Ref<List> items_;
  Value last_changed_;
};

}  // namespace kerf::jinja
