#include "kerf/serve/openai/json_body.h"

#include <optional>
#include <utility>
#include <vector>

#include "kerf/io/json.h"

namespace kerf {

namespace {

constexpr size_t kMaxDepth = 64;
// An ordered object is searched for each name that comes: n names cost n²/2 comparisons, of some nanoseconds each.
constexpr size_t kMaxComparisons = 20'000'000;

// Walks over the text before anything is made of it. A callback of the parser that makes it could look too, but that
// one walks over all of a list again at the end of each object in it (nlohmann-json 3.11.2).
class Limits : public nlohmann::json_sax<Json> {
 public:
  std::optional<ApiError> error;  // why it stopped

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(size_t /*size*/) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(size_t /*size*/) override { return open(); }
  bool end_array() override { return close(); }

  bool key(string_t& /*name*/) override {
    comparisons_ += names_.back()++;
    return comparisons_ <= kMaxComparisons || stop(refuse("", "The JSON has objects of too many names."));
  }

  bool parse_error(size_t byte, const std::string& /*token*/, const nlohmann::detail::exception& what) override {
    if (dynamic_cast<const Json::out_of_range*>(&what) != nullptr) {
      return stop(refuse("", "The JSON holds a number too large to be finite."));
    }
    return stop(refuse("", "The body is not valid JSON: something is wrong at byte {}.", byte));
  }

 private:
  bool open() {
    names_.push_back(0);
    return names_.size() <= kMaxDepth || stop(refuse("", "The JSON is nested deeper than {} levels.", kMaxDepth));
  }

  bool close() {
    names_.pop_back();
    return true;
  }

  bool stop(ApiError why) {
    error = std::move(why);
    return false;
  }

  std::vector<size_t> names_;  // of each list and object that is open
  size_t comparisons_ = 0;
};

ApiResult<Json> parse(std::string_view text) {
  Limits limits;
  if (!Json::sax_parse(text, &limits)) return *std::move(limits.error);
  return Json::parse(text);
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
