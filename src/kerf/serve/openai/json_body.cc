#include "kerf/serve/openai/json_body.h"

#include <vector>

#include "kerf/io/json.h"

namespace kerf {

namespace {

constexpr int kMaxDepth = 64;
// An ordered object is searched for each name that comes: n names cost n²/2 comparisons, of some nanoseconds each.
constexpr size_t kMaxComparisons = 20'000'000;

// Counts while the parser works, and stops it.
class Limits {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json& /*parsed*/) {
    if (depth > kMaxDepth) throw ApiError(refuse("", "The JSON is nested deeper than {} levels.", kMaxDepth));
    if (event == Json::parse_event_t::object_start) names_.resize(static_cast<size_t>(depth) + 1);
    if (event == Json::parse_event_t::object_start) names_.back() = 0;
    if (event != Json::parse_event_t::key) return true;
    comparisons_ += names_.at(static_cast<size_t>(depth) - 1)++;
    if (comparisons_ > kMaxComparisons) throw ApiError(refuse("", "The JSON has objects of too many names."));
    return true;
  }

 private:
  std::vector<size_t> names_ = std::vector<size_t>(kMaxDepth + 2);  // [depth] names of the object open there
  size_t comparisons_ = 0;
};

ApiResult<Json> parse(std::string_view text) {
  try {
    Limits limits;
    return Json::parse(
        text, [&limits](int depth, Json::parse_event_t event, Json& parsed) { return limits(depth, event, parsed); });
  } catch (const ApiError& error) {
    return error;
  } catch (const Json::parse_error& error) {
    return refuse("", "The body is not valid JSON: something is wrong at byte {}.", error.byte);
  } catch (const Json::out_of_range&) {
    return refuse("", "The JSON holds a number too large to be finite.");
  }
}

}  // namespace

ApiResult<Json> parse_body(std::string_view body) {
  KERF_TRY(Json json, parse(body));
  if (!json.is_object()) return refuse("", "The body must be a JSON object {{...}}.");
  return json;
}

std::optional<Json> parse_inner_json(std::string_view text) {
  ApiResult<Json> json = parse(text);
  if (!json.ok()) return std::nullopt;
  return std::move(json).value();
}

}  // namespace kerf
