// The status page at /: one file without a request to anywhere but status.json (page/index.html, built in).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kerf {

extern const std::string_view kStatusPageHtml;

// What goes with it; also with status.json, where most of it means nothing. The page's own script and style are allowed
// by their hashes, so that nothing that might ever slip into it runs.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> status_page_headers();

}  // namespace kerf
