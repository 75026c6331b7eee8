// What every filter, method and function needs: makes metered values, owns what may be cyclic.
#pragma once

#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kerf/io/chat_template/value.h"

namespace kerf::jinja {

// Keeps the items that are walked over alive.
struct Each {
  Ref<List> list;
  [[nodiscard]] auto begin() const { return list->items.begin(); }
  [[nodiscard]] auto end() const { return list->items.end(); }
};

class Runtime {
 public:
  // REQUIRES: meter outlives the runtime and every value made by it.
  Runtime(Meter& meter, std::function<std::tm()> clock) : meter_(meter), clock_(std::move(clock)) {}
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  [[nodiscard]] Meter& meter() { return meter_; }
  [[nodiscard]] std::tm now() const { return clock_(); }

  int line = 0;  // of the template, where evaluation is

  [[nodiscard]] Value text(std::string text, bool markup = false);
  // REQUIRES: text has `chars` characters.
  [[nodiscard]] Value text(std::string text, bool markup, size_t chars);
  [[nodiscard]] Value list(std::vector<Value> items, ListKind kind = ListKind::kList);
  [[nodiscard]] Value tuple(std::vector<Value> items) { return list(std::move(items), ListKind::kTuple); }
  [[nodiscard]] Value generator(std::vector<Value> items);
  [[nodiscard]] std::shared_ptr<Dict> dict() { return std::make_shared<Dict>(&meter_); }

  // The items of anything iterable (of a dict its keys, of a string its characters); an iterator is
  // used up by it. Raises for the rest.
  [[nodiscard]] Ref<List> items(const Value& value);
  // The same for a range-based for.
  [[nodiscard]] Each each(const Value& value) { return Each{items(value)}; }
  [[nodiscard]] static bool iterable(const Value& value);

  // Takes part in owning an object until the rendering ends, when its clear() ends all cycles.
  template <typename T>
  std::shared_ptr<T> adopt(std::shared_ptr<T> object) {
    owned_.push_back({object, std::make_unique<Charge>(meter_, kObjectBytes)});
    return object;
  }

 private:
  // An object, its control block, its entry here.
  static constexpr size_t kObjectBytes = 256;
  struct Owned {
    std::shared_ptr<Object> object;
    std::unique_ptr<Charge> charge;
  };

  Meter& meter_;
  std::function<std::tm()> clock_;
  std::vector<Owned> owned_;
};

}  // namespace kerf::jinja
