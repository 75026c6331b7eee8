#include <algorithm>
#include <functional>

#include "kerf/io/chat_template/compare.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/value.h"

namespace kerf::jinja {

namespace {
constexpr size_t kScanned = 8;  // up to so many entries a scan is faster than the index
}  // namespace

template <typename Same>
const Value* Dict::find_hashed(size_t hash, Same same) const {
  if (entries_.size() <= kScanned) {
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (hashes_[i] == hash && same(entries_[i].first)) return &entries_[i].second;
    }
    return nullptr;
  }
  for (auto [at, end] = index_.equal_range(hash); at != end; ++at) {
    if (same(entries_[at->second].first)) return &entries_[at->second].second;
  }
  return nullptr;
}

const Value* Dict::find(std::string_view key) const {
  return find_hashed(hash_text(key), [&](const Value& other) { return other.is_string() && other.text() == key; });
}

const Value* Dict::find(Meter& meter, const Value& key) const {
  return find_hashed(hash(meter, key), [&](const Value& other) { return equal(meter, key, other); });
}

void Dict::set(Value key, Value value) {
  const int depth = 1 + std::max(key.depth(), value.depth());
  check_depth(depth);
  depth_ = std::max(depth_, depth);
  const Value* found = key.is_string() ? find(key.text()) : nullptr;
  if (!key.is_string() && meter_ != nullptr) found = find(*meter_, key);
  if (found != nullptr) {
    *const_cast<Value*>(found) = std::move(value);
    return;
  }
  if (meter_ != nullptr) {
    constexpr size_t kEntryBytes = sizeof(Entry) + 8 * sizeof(size_t);
    if (!charge_) charge_.emplace(*meter_, sizeof(Dict));
    charge_->grow(kEntryBytes);
    meter_->work(kEntryBytes);
  }
  hashes_.push_back(key.is_string() || meter_ == nullptr ? hash_text(key.text()) : hash(*meter_, key));
  entries_.emplace_back(std::move(key), std::move(value));
  if (entries_.size() <= kScanned) return;
  for (size_t i = index_.size(); i < entries_.size(); ++i) index_.emplace(hashes_[i], i);
}

void Dict::clear() {
  index_.clear();
  hashes_.clear();
  entries_.clear();
}

}  // namespace kerf::jinja
