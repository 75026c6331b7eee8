#include "kerf/serve/seeing/page.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "kerf/base/check.h"

namespace kerf {

namespace {

// The source expression of CSP that allows what stands between <tag> and </tag>.
std::string hash_source(std::string_view tag) {
  const std::string open = fmt::format("<{}>", tag);
  const size_t begin = kStatusPageHtml.find(open);
  const size_t end = kStatusPageHtml.find(fmt::format("</{}>", tag));
  KERF_CHECK(begin != std::string_view::npos && end != std::string_view::npos, "the page has lost a tag");
  const std::string_view inside = kStatusPageHtml.substr(begin + open.size(), end - begin - open.size());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  KERF_CHECK(EVP_Digest(inside.data(), inside.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  std::array<unsigned char, 64> text{};  // 44 and a NUL
  EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(size));
  return fmt::format("'sha256-{}'", reinterpret_cast<const char*>(text.data()));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> status_page_headers() {
  return {{"Content-Security-Policy",
           fmt::format("default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src data:; "
                       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                       hash_source("script"), hash_source("style"))},
          {"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"},
          {"Cache-Control", "no-store"}};
}

}  // namespace kerf
