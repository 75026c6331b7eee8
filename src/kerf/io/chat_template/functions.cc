#include "kerf/io/chat_template/functions.h"

#include <unordered_map>

#include "kerf/io/chat_template/args.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/methods.h"
#include "kerf/io/chat_template/strftime.h"
#include "kerf/io/chat_template/text_of.h"

namespace kerf::jinja {

namespace {

using NativeFn = Value (*)(Runtime& rt, const Args& args);

class Function : public Object {
 public:
  Function(std::string_view name, NativeFn function) : name_(name), function_(function) {}
  [[nodiscard]] std::string_view type_name() const override { return "function"; }
  [[nodiscard]] std::string repr(Runtime&) const override { return fmt::format("<function {}>", name_); }
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime& rt, const Args& args) override { return function_(rt, args); }

 private:
  std::string_view name_;
  NativeFn function_;
};

Value range(Runtime&, const Args& args) {
  const Bound bound("range", args, {"start", "stop", "step"}, 1);
  const bool one = !bound.has(1);
  const int64_t start = one ? 0 : bound.integer(0, 0);
  const int64_t stop = one ? bound.integer(0, 0) : bound.integer(1, 0);
  const int64_t step = bound.integer(2, 1);
  if (step == 0) raise("range() arg 3 must not be zero");
  constexpr uint64_t kMaxRange = 100'000;  // of Jinja's sandbox
  // Differences of int64 fit uint64, taken modulo 2^64.
  const bool empty = step > 0 ? start >= stop : start <= stop;
  const uint64_t span = step > 0 ? static_cast<uint64_t>(stop) - static_cast<uint64_t>(start)
                                 : static_cast<uint64_t>(start) - static_cast<uint64_t>(stop);
  const uint64_t width = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const uint64_t count = empty ? 0 : (span - 1) / width + 1;
  if (count > kMaxRange) raise("Range too big. The sandbox blocks ranges larger than {}.", kMaxRange);
  return Ref<Range>(new Range{start, stop, step, static_cast<int64_t>(count)});
}

// dict(mapping or pairs, **named), also the arguments of namespace().
std::shared_ptr<Dict> make_dict(Runtime& rt, const Args& args) {
  if (args.positional.size() > 1) raise("dict expected at most 1 argument, got {}", args.positional.size());
  auto dict = rt.dict();
  if (!args.positional.empty()) {
    const Value& source = args.positional[0];
    const Value pairs = source.is(Kind::kDict) ? find_method(source, "items")(rt, source, {}) : source;
    for (const Value& pair : rt.each(pairs)) {
      const Ref<List> entry = rt.items(pair);
      if (entry->items.size() != 2) raise("dict() needs pairs of a key and a value");
      dict->set(entry->items[0], entry->items[1]);
    }
  }
  for (const auto& [name, value] : args.named) dict->set(rt.text(name), value);
  return dict;
}

Value dict(Runtime& rt, const Args& args) { return Ref<Dict>(make_dict(rt, args)); }

Value make_namespace(Runtime& rt, const Args& args) {
  return std::shared_ptr<Object>(rt.adopt(std::make_shared<Namespace>(make_dict(rt, args))));
}

// Empty at the first call, the separator at every later one.
class Joiner : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Joiner"; }
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime&, const Args& args) override {
    expect_no_args("joiner", args);
    return std::exchange(used_, true) ? separator_ : constant_text("");
  }
  [[nodiscard]] int depth() const override { return separator_.depth() + 1; }

 private:
  Value separator_;
  bool used_ = false;
};

Value joiner(Runtime&, const Args& args) {
  const Bound bound("joiner", args, {"sep"});
  return std::shared_ptr<Object>(std::make_shared<Joiner>(bound.has(0) ? bound[0] : constant_text(", ")));
}

class Cycler : public Object {
 public:
  explicit Cycler(Ref<List> items) : items_(std::move(items)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Cycler"; }
  [[nodiscard]] int depth() const override { return items_->depth + 1; }

  [[nodiscard]] std::optional<Value> attr(Runtime&, std::string_view name) override {
    if (name == "current") return items_->items[at_];
    if (name != "next" && name != "reset") return std::nullopt;
    return bind_method(shared_from_this(), name, name == "next" ? next : reset);
  }

 private:
  static Cycler& self_of(const Value& self) { return static_cast<Cycler&>(*self.object()); }
  static Value next(Runtime&, const Value& self, const Args& args) {
    expect_no_args("next", args);
    Cycler& cycler = self_of(self);
    const size_t at = std::exchange(cycler.at_, (cycler.at_ + 1) % cycler.items_->items.size());
    return cycler.items_->items[at];
  }
  static Value reset(Runtime&, const Value& self, const Args& args) {
    expect_no_args("reset", args);
    self_of(self).at_ = 0;
    return None{};
  }

  Ref<List> items_;
  size_t at_ = 0;
};

Value cycler(Runtime& rt, const Args& args) {
  if (args.positional.empty() || !args.named.empty()) raise("cycler(): at least one item has to be provided");
  return std::shared_ptr<Object>(std::make_shared<Cycler>(rt.list(args.positional).list()));
}

Value raise_exception(Runtime& rt, const Args& args) {
  const Bound bound("raise_exception", args, {"message"}, 1);
  raise("{}", str(rt, bound[0]));
}

Value strftime_now(Runtime& rt, const Args& args) {
  const Bound bound("strftime_now", args, {"format"}, 1);
  return rt.text(format_time(bound.text(0), rt.now()));
}

}  // namespace

std::string Namespace::repr(Runtime& rt) const {
  return fmt::format("<Namespace {}>", jinja::repr(rt, Ref<Dict>(attributes_)));
}

std::optional<Value> Namespace::attr(Runtime&, std::string_view name) {
  const Value* found = attributes_->find(name);
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

std::optional<Value> find_function(std::string_view name) {
  static const std::unordered_map<std::string_view, NativeFn> kFunctions = {
      {"cycler", cycler},
      {"dict", dict},
      {"joiner", joiner},
      {"namespace", make_namespace},
      {"raise_exception", raise_exception},
      {"range", range},
      {"strftime_now", strftime_now},
  };
  const auto at = kFunctions.find(name);
  if (at == kFunctions.end()) return std::nullopt;
  return std::shared_ptr<Object>(std::make_shared<Function>(at->first, at->second));
}

}  // namespace kerf::jinja
