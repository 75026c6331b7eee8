#include "kerf/io/json.h"

#include <gmock/gmock.h>

#include "tests/support/errors.h"

namespace kerf {
namespace {

using ::testing::EndsWith;
using testing::error_of;
using ::testing::HasSubstr;

TEST(Json, ParsesWhatIsJson) {
  const auto value = parse_json(R"({"a": [1, 2.5, "x"], "a": null})", "f");
  ASSERT_TRUE(value.ok());
  EXPECT_TRUE(value->at("a").is_null());  // of two fields of one name the last counts
}

TEST(Json, NamesTheFieldThatIsNotFinite) {
  EXPECT_EQ(error_of(parse_json(R"({"a": 1, "rms_norm_eps": NaN})", "config.json")),
            "config.json: 'rms_norm_eps' is NaN; expected a finite number");
  EXPECT_EQ(error_of(parse_json(R"({"x": {"theta": -Infinity}})", "config.json")),
            "config.json: 'theta' is Infinity; expected a finite number");
  EXPECT_EQ(error_of(parse_json(R"({"x": 1e999})", "f")), "f: holds a number too large to be finite");
  EXPECT_TRUE(parse_json(R"({"NaN": "NaN \" NaN Infinity"})", "f").ok());
}

TEST(Json, RefusesDeepNesting) {
  const std::string deep(1'000'000, '[');
  EXPECT_EQ(error_of(parse_json(deep, "f")), "f: JSON nested deeper than 64 levels");
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']'), "f").ok());
  EXPECT_TRUE(parse_json("\"" + deep + "\"", "f").ok());
}

TEST(Json, RefusesLargeText) {
  EXPECT_EQ(error_of(parse_json("[1, 2]", "f", {.max_bytes = 5})), "f: 6 bytes of JSON; at most 5 are read");
}

TEST(Json, SaysWhereItStopsBeingJson) {
  EXPECT_EQ(error_of(parse_json("{\n  \"a\": 1,\n  oops\n}", "f")), "f: not valid JSON at line 3, column 3");
  EXPECT_EQ(error_of(parse_json("", "f")), "f: not valid JSON at line 1, column 1");
  EXPECT_THAT(error_of(parse_json("{\"a\": \"\xFF\"}", "f")), HasSubstr("not valid JSON at line 1"));
  EXPECT_THAT(error_of(parse_json("{\"a\": \"\\", "f")), HasSubstr("not valid JSON at line 1"));
}

TEST(Json, RefusesRepeatedNamesOnRequest) {
  const std::string text = R"({"a": {"x": 1, "x": 2}, "b": 0, "a": 1})";
  EXPECT_TRUE(parse_json(text, "f").ok());
  EXPECT_EQ(error_of(parse_json(text, "f", {.unique_names = true})), "f: 'a' appears twice");
}

TEST(Json, ShowsHostileTextInOneLine) {
  EXPECT_EQ(shown("a\nb\x7F"), "a?b?");
  EXPECT_THAT(shown(std::string(1000, 'x')), EndsWith("x…"));
  EXPECT_EQ(shown(std::string(99, 'x') + "é"), std::string(99, 'x') + "…");  // no half character
}

class JsonFieldsTest : public ::testing::Test {
 protected:
  nlohmann::json json_ = nlohmann::json::parse(
      R"({"n": 7, "whole": 4096.0, "half": 0.5, "text": "x", "yes": true, "null": null, "object": {"n": -1}, "list": [1]})");
  JsonFields fields_ = JsonFields::of(json_, "f").value();
};

TEST_F(JsonFieldsTest, ReadsTypes) {
  EXPECT_EQ(fields_.integer("n", {1, 7}).value(), 7);
  EXPECT_EQ(fields_.integer("whole", {1, 5000}).value(), 4096);
  EXPECT_EQ(fields_.number("half", kPositive).value(), 0.5);
  EXPECT_EQ(fields_.number("n", kPositive).value(), 7.0);
  EXPECT_EQ(fields_.string("text").value(), "x");
  EXPECT_EQ(fields_.boolean("yes").value(), true);
}

TEST_F(JsonFieldsTest, FallsBackWhereAbsentOrNull) {
  EXPECT_EQ(fields_.integer("absent", {1, 9}, 3).value(), 3);
  EXPECT_EQ(fields_.integer("null", {1, 9}, 3).value(), 3);
  EXPECT_EQ(fields_.boolean("null", false).value(), false);
  EXPECT_TRUE(fields_.mentions("null"));
  EXPECT_FALSE(fields_.has("null"));
}

TEST_F(JsonFieldsTest, NamesFieldValueAndExpectation) {
  EXPECT_EQ(error_of(fields_.integer("n", {8, 9})), "f: 'n' is 7; expected a whole number from 8 to 9");
  EXPECT_EQ(error_of(fields_.integer("half", {0, 9}, 1)), "f: 'half' is 0.5; expected a whole number from 0 to 9");
  EXPECT_EQ(error_of(fields_.integer("absent", {0, 9})), "f: 'absent' is missing; expected a whole number from 0 to 9");
  EXPECT_EQ(error_of(fields_.integer("null", {0, 9})), "f: 'null' is null; expected a whole number from 0 to 9");
  EXPECT_EQ(error_of(fields_.number("text", kPositive)), "f: 'text' is 'x'; expected a positive number");
  EXPECT_EQ(error_of(fields_.boolean("n")), "f: 'n' is 7; expected true or false");
  EXPECT_EQ(error_of(fields_.string("list")), "f: 'list' is a list of 1; expected a string");
  EXPECT_EQ(error_of(fields_.object("n")), "f: 'n' is 7; expected an object {...}");
  EXPECT_EQ(error_of(fields_.object("object")->number("n", kPositive)),
            "f: object: 'n' is -1; expected a positive number");
  EXPECT_EQ(error_of(JsonFields::of(json_["list"], "f")), "f: a list of 1; expected an object {...}");
}

}  // namespace
}  // namespace kerf
