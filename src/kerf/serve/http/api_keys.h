// The keys that let a client in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kerf {

// Threading: one thread.
class ApiKeys {
 public:
  // Without a key everybody is let in.
  explicit ApiKeys(std::vector<std::string> keys = {}) : keys_(std::move(keys)) {}

  // From now on; requests that were let in go on.
  void replace(std::vector<std::string> keys) { keys_ = std::move(keys); }

  // authorization: the header's value, "Bearer <key>". The time that it takes tells the lengths of the keys, and
  // nothing else of them.
  [[nodiscard]] bool admit(std::string_view authorization) const;

 private:
  std::vector<std::string> keys_;
};

// "Bearer <key>" → "<key>"; "" when it is none.
[[nodiscard]] std::string_view bearer_key(std::string_view authorization);

}  // namespace kerf
