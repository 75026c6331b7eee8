#pragma once

#include <ctime>
#include <string>
#include <string_view>

namespace kerf::jinja {

// datetime.strftime of a time without a time zone. Raises for results beyond 4 KiB.
[[nodiscard]] std::string format_time(std::string_view format, const std::tm& time);

}  // namespace kerf::jinja
