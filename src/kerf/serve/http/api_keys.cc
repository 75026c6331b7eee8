#include "kerf/serve/http/api_keys.h"

#include "kerf/serve/http/message.h"

namespace kerf {

namespace {

// Looks at every byte whatever the first difference.
bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference =
        static_cast<unsigned char>(difference | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
  }
  return difference == 0;
}

}  // namespace

std::string_view bearer_key(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!same_word(authorization.substr(0, kScheme.size()), kScheme)) return {};
  return authorization.substr(kScheme.size());
}

bool ApiKeys::admit(std::string_view authorization) const {
  if (keys_.empty()) return true;
  const std::string_view given = bearer_key(authorization);
  bool found = false;
  for (const std::string& key : keys_) found |= same_secret(key, given);
  return found && !given.empty();
}

}  // namespace kerf
