#include "kerf/apps/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "kerf/base/check.h"

namespace kerf {

struct Sha256::Context {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> handle{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  KERF_CHECK(EVP_DigestInit_ex(context_->handle.get(), EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::update(const void* data, size_t bytes) {
  KERF_CHECK(EVP_DigestUpdate(context_->handle.get(), data, bytes) == 1);
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  KERF_CHECK(EVP_DigestFinal_ex(context_->handle.get(), digest.data(), &size) == 1);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace kerf
