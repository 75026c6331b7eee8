#include "kerf/io/grammar/string_format.h"

namespace kerf {
namespace {

struct Format {
  std::string_view name;
  std::string_view pattern;
};

#define KERF_DATE \
  "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
#define KERF_TIME "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
#define KERF_LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define KERF_BYTE "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

constexpr Format kFormats[] = {
    {"date", "^" KERF_DATE "$"},                     // RFC 3339
    {"date-time", "^" KERF_DATE "T" KERF_TIME "$"},  // RFC 3339
    {"time", "^" KERF_TIME "$"},                     // RFC 3339
    {"duration",
     "^P([0-9]{1,4}W|[0-9]{1,4}D(T[0-9]{1,4}[HMS])?|T([0-9]{1,4}H)?[0-9]{1,4}M([0-9]{1,4}S)?"  // RFC 3339,
     "|T[0-9]{1,4}[HS])$"},                                                                    // appendix A
    {"email",
     "^[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,32})?@([a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\\.){1,3}[a-z]{2,12}$"},
    {"hostname", "^" KERF_LABEL "(\\." KERF_LABEL "){0,3}$"},  // RFC 1123
    {"ipv4", "^" KERF_BYTE "(\\." KERF_BYTE "){3}$"},          // RFC 2673
    {"ipv6", "^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$"},            // RFC 4291
    {"uri", "^[A-Za-z][A-Za-z0-9+.-]{0,15}://[A-Za-z0-9._~-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~:@!$&'()*+,;=-]*)*$"},
    {"uuid", "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},  // RFC 4122
};

#undef KERF_DATE
#undef KERF_TIME
#undef KERF_LABEL
#undef KERF_BYTE

}  // namespace

std::string_view pattern_of_format(std::string_view format) {
  for (const Format& known : kFormats) {
    if (known.name == format) return known.pattern;
  }
  return "";
}

std::string known_formats() {
  std::string names;
  for (const Format& known : kFormats) names += (names.empty() ? "" : ", ") + std::string(known.name);
  return names;
}

}  // namespace kerf
