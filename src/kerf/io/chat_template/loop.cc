#include "kerf/io/chat_template/loop.h"

#include "kerf/io/chat_template/args.h"
#include "kerf/io/chat_template/compare.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/methods.h"

namespace kerf::jinja {

void Loop::end() {
  closure_.reset();
  items_.reset();
  last_changed_ = {};
}

std::string Loop::repr(Runtime&) const { return fmt::format("<LoopContext {}/{}>", index + 1, length_); }

std::optional<Value> Loop::attr(Runtime&, std::string_view name) {
  const auto at = static_cast<int64_t>(index);
  if (name == "index") return at + 1;
  if (name == "index0") return at;
  if (name == "first") return at == 0;
  if (name == "last") return at + 1 == length_;
  if (name == "length") return length_;
  if (name == "revindex") return length_ - at;
  if (name == "revindex0") return length_ - at - 1;
  if (name == "depth") return depth_ + 1;
  if (name == "depth0") return depth_;
  if (name == "previtem") return items_ && at > 0 ? items_->items[index - 1] : undefined("there is no previous item");
  if (name == "nextitem") {
    return items_ && at + 1 < length_ ? items_->items[index + 1] : undefined("there is no next item");
  }
  if (name == "cycle") return bind_method(shared_from_this(), name, cycle);
  if (name == "changed") return bind_method(shared_from_this(), name, changed);
  return std::nullopt;
}

Value Loop::cycle(Runtime&, const Value& self, const Args& args) {
  if (args.positional.empty() || !args.named.empty()) raise("no items for cycling given");
  const auto& loop = static_cast<const Loop&>(*self.object());
  return args.positional[loop.index % args.positional.size()];
}

Value Loop::changed(Runtime& rt, const Value& self, const Args& args) {
  auto& loop = static_cast<Loop&>(*self.object());
  if (!loop.closure_) raise("loop.changed() is called after the loop");
  const Value now = rt.tuple(args.positional);
  const bool first = loop.last_changed_.is_undefined();
  if (!first && equal(rt.meter(), loop.last_changed_, now)) return false;
  loop.last_changed_ = now;
  return true;
}

Value Loop::call(Runtime&, const Args& args) {
  const Bound bound("loop", args, {"iterable"}, 1);
  if (!node_.recursive) raise("The loop must have the 'recursive' marker to be called recursively.");
  if (!closure_) raise("a loop is called after it ended");
  return evaluator_.run_recursive(node_, closure_, bound[0], depth_ + 1);
}

}  // namespace kerf::jinja
