// The values a template computes with: Python's, as far as Jinja shows them.
//
// Strings, lists, tuples and dicts are immutable and shared (transformers renders in Jinja's
// *immutable* sandbox, which refuses append, update and the like), so a Value is cheap to copy and
// only an Object can be part of a cycle.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "kerf/io/chat_template/meter.h"

namespace kerf::jinja {

class Value;
class Dict;
class Object;
class Runtime;
struct String;
struct List;
struct Range;
struct Iterator;

template <typename T>
using Ref = std::shared_ptr<const T>;

struct None {};

// What a missing variable, attribute or item is: printable as nothing, iterable, false, and an error
// with the message `why` in nearly every other use.
struct Undefined {
  Ref<std::string> why;
};

// The order of Value's alternatives.
enum class Kind : uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kList,
  kDict,
  kRange,
  kIterator,
  kObject,
};

template <typename T, typename Variant>
struct IsAlternative;
template <typename T, typename... Alternatives>
struct IsAlternative<T, std::variant<Alternatives...>> : std::disjunction<std::is_same<T, Alternatives>...> {};

class Value {
 public:
  using Storage = std::variant<Undefined, None, bool, int64_t, double, Ref<String>, Ref<List>, Ref<Dict>, Ref<Range>,
                               std::shared_ptr<Iterator>, std::shared_ptr<Object>>;

  Value() = default;  // undefined
  // NOLINTBEGIN(google-explicit-constructor): an alternative is a value
  template <typename T>
  requires IsAlternative<T, Storage>::value Value(T value) : storage_(std::in_place_type<T>, std::move(value)) {}
  // NOLINTEND(google-explicit-constructor)

  [[nodiscard]] Kind kind() const { return static_cast<Kind>(storage_.index()); }
  [[nodiscard]] bool is(Kind kind_) const { return kind() == kind_; }
  [[nodiscard]] bool is_undefined() const { return is(Kind::kUndefined); }
  [[nodiscard]] bool is_none() const { return is(Kind::kNone); }
  [[nodiscard]] bool is_string() const { return is(Kind::kString); }
  // bool counts as an integer, as in Python.
  [[nodiscard]] bool is_integral() const { return is(Kind::kInt) || is(Kind::kBool); }
  [[nodiscard]] bool is_number() const { return is_integral() || is(Kind::kFloat); }

  // REQUIRES: the kind.
  [[nodiscard]] bool boolean() const { return *std::get_if<bool>(&storage_); }
  [[nodiscard]] int64_t integer() const {
    return is(Kind::kBool) ? int64_t{boolean()} : *std::get_if<int64_t>(&storage_);
  }
  [[nodiscard]] double real() const {
    return is(Kind::kFloat) ? *std::get_if<double>(&storage_) : static_cast<double>(integer());
  }
  [[nodiscard]] const Undefined& undefined() const { return *std::get_if<Undefined>(&storage_); }
  [[nodiscard]] const String& string() const { return **std::get_if<Ref<String>>(&storage_); }
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] const Ref<List>& list() const { return *std::get_if<Ref<List>>(&storage_); }
  [[nodiscard]] const Ref<Dict>& dict() const { return *std::get_if<Ref<Dict>>(&storage_); }
  [[nodiscard]] const Range& range() const { return **std::get_if<Ref<Range>>(&storage_); }
  [[nodiscard]] Iterator& iterator() const { return **std::get_if<std::shared_ptr<Iterator>>(&storage_); }
  [[nodiscard]] const std::shared_ptr<Object>& object() const {
    return *std::get_if<std::shared_ptr<Object>>(&storage_);
  }
  [[nodiscard]] const void* identity() const;  // the address of what is shared, or null

  [[nodiscard]] int depth() const;  // 1 + the depth of the deepest item; 1 for scalars

 private:
  Storage storage_;
};

struct String {
  std::string text;  // valid UTF-8
  size_t chars;      // code points, which is what len() counts
  bool markup;       // came through |safe: `+` escapes what is added to it
  Charge charge;
};

// Everything list-like; the views of a dict and groupby's pairs differ in what may be done to them.
enum class ListKind : uint8_t { kList, kTuple, kGroup, kKeys, kValues, kItems };

struct List {
  ListKind kind;
  std::vector<Value> items;
  int depth;
  Charge charge;

  [[nodiscard]] bool is_tuple() const { return kind == ListKind::kTuple || kind == ListKind::kGroup; }
  [[nodiscard]] bool is_view() const { return kind >= ListKind::kKeys; }
};

struct Range {
  int64_t start;
  int64_t stop;
  int64_t step;   // not 0
  int64_t count;  // how many numbers

  // REQUIRES: 0 <= index < count. The product may wrap, the sum does not.
  [[nodiscard]] int64_t at(int64_t index) const {
    return static_cast<int64_t>(static_cast<uint64_t>(start) +
                                static_cast<uint64_t>(index) * static_cast<uint64_t>(step));
  }
};

// What Python has as a generator: no length, no items, and gone once walked.
struct Iterator {
  Ref<List> items;
  size_t next = 0;
};

// Keeps insertion order, as Python's dict does.
class Dict {
 public:
  using Entry = std::pair<Value, Value>;

  explicit Dict(Meter* meter) : meter_(meter) {}  // null: not metered

  // Replaces the value of an equal key. Raises for a key without a hash (a list, a dict).
  void set(Value key, Value value);
  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] const Value* find(Meter& meter, const Value& key) const;

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] int depth() const { return depth_; }
  void clear();

 private:
  template <typename Same>
  [[nodiscard]] const Value* find_hashed(size_t hash, Same same) const;

  Meter* meter_;
  std::optional<Charge> charge_;
  std::vector<Entry> entries_;
  std::vector<size_t> hashes_;                     // of the keys
  std::unordered_multimap<size_t, size_t> index_;  // hash → entry, once there are more than a few
  int depth_ = 1;
};

// Arguments of a call.
struct Args {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// Namespaces, loops, macros, methods: whatever has attributes or can be called.
class Object : public std::enable_shared_from_this<Object> {
 public:
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;

  [[nodiscard]] virtual std::string_view type_name() const = 0;
  // REQUIRES: rt outlives the result.
  [[nodiscard]] virtual std::string repr(Runtime& rt) const;
  [[nodiscard]] virtual std::optional<Value> attr(Runtime& rt, std::string_view name);
  [[nodiscard]] virtual bool callable() const { return false; }
  virtual Value call(Runtime& rt, const Args& args);
  [[nodiscard]] virtual int depth() const { return 1; }
  virtual void clear() {}  // lets go of other values, so that cycles end with the rendering
};

[[nodiscard]] Value constant_text(std::string text);  // not metered
[[nodiscard]] Value undefined(std::string why);
[[nodiscard]] std::string_view type_name(const Value& value);
[[nodiscard]] bool truthy(const Value& value);

// Raises what the use of an undefined value raises.
[[noreturn]] void raise_undefined(const Value& value);

}  // namespace kerf::jinja
