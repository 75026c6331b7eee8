#include "kerf/io/grammar/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "kerf/io/grammar/json_rules.h"
#include "kerf/io/grammar/matcher.h"
#include "kerf/io/grammar/validator_for_test.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::json;
using testing::Validator;

std::shared_ptr<const Grammar> grammar_of(std::string_view text) {
  Result<Grammar> grammar = compile_grammar(text);
  EXPECT_TRUE(grammar.ok()) << (grammar.ok() ? "" : grammar.error().message);
  return std::make_shared<const Grammar>(grammar.ok() ? std::move(grammar).value() : *compile_grammar("json"));
}

std::shared_ptr<const Grammar> schema(std::string_view text) { return grammar_of("schema:" + std::string(text)); }

// How many bytes are taken, and whether the text is whole then.
struct Verdict {
  size_t bytes;
  bool complete;
};
Verdict judge(const std::shared_ptr<const Grammar>& grammar, std::string_view text) {
  GrammarMatcher matcher(grammar);
  const size_t bytes = matcher.advance(text);
  return {bytes, bytes == text.size() && matcher.complete()};
}

void accepts(const std::shared_ptr<const Grammar>& grammar, std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    const Verdict verdict = judge(grammar, text);
    EXPECT_TRUE(verdict.complete) << text << " up to byte " << verdict.bytes;
  }
}

// A ^ stands before the first byte that may not follow, or at the end where more is wanted.
void rejects(const std::shared_ptr<const Grammar>& grammar, std::initializer_list<std::string_view> texts) {
  for (const std::string_view marked : texts) {
    std::string text(marked);
    const size_t at = text.find("^");
    ASSERT_NE(at, std::string::npos) << text;
    text.erase(at, 1);
    const Verdict verdict = judge(grammar, text);
    EXPECT_EQ(verdict.bytes, at) << text;
    EXPECT_FALSE(verdict.complete) << text;
  }
}

std::string refusal(std::string_view text) {
  const Result<Grammar> grammar = compile_json_schema(text);
  return grammar.ok() ? "accepted" : grammar.error().message;
}

TEST(JsonGrammar, AnyObjectAndNothingElse) {
  const auto grammar = grammar_of("json");
  accepts(grammar, {"{}", R"({"a":1})", R"({"a": [1, 2.5e-3, -0, "x", {}, [], true, false, null]})",
                    "{\n  \"a\": {\n    \"b\": []\n  }\n}", R"({"":"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"})",
                    "{\"é\":\"\xF0\x9F\xA6\x99\x7F\"}"});
  rejects(grammar, {"^[]",
                    "^ {}",
                    "{}^ ",
                    "{ ^ }",
                    R"({"a"^ :1})",
                    R"({"a":0^1})",
                    R"({"a":1.^})",
                    R"({"a":^+1})",
                    R"({"a":1,^})",
                    R"({"a":"\^x"})",
                    R"({"a":"\ud83d^"})",
                    R"({"a":"\ud83d\u^0041"})",
                    R"({"a":"\ud^e00"})",
                    "{\"a\":\"^\n\"}",
                    "{\"\xC3^(\":1}",
                    "{\"^\xC0\x80\":1}",
                    "{\"\xED^\xA0\x80\":1}",
                    "{\"\xF4^\x90\x80\x80\":1}",
                    "{\"^\xFF\":1}",
                    R"({"a":1e99^9})",
                    R"({"a":nul^})",
                    R"({"a":1^)"});
}

TEST(JsonGrammar, WhiteSpaceIsBounded) {
  const auto grammar = grammar_of("json");
  const std::string indent(kMaxIndent, ' ');
  accepts(grammar, {"{\n" + indent + "\"a\":1}", "{ \"a\":1 }"});
  rejects(grammar, {"{\n" + indent + "^ \"a\":1}", "{ ^ \"a\":1}", "{\"a\":1\n^\n}"});
}

TEST(JsonSchema, PropertiesComeInOrderAndOptionalOnesMayBeLeftOut) {
  const auto grammar = schema(R"({"type": "object", "required": ["b"],
      "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}, "c": {"type": "null"}}})");
  accepts(grammar, {R"({"a":1,"b":true,"c":null})", R"({"b":true})", R"({ "b": false, "c": null })"});
  rejects(grammar, {"{^}", R"({"a":1^})", R"({"^c":null})", R"({"b":true,"^a":1})", R"({"b":true,"^b":true})",
                    R"({"a":1^.5,"b":true})", R"({"b":true,"^d":1})", R"({"b":true,^})"});
}

TEST(JsonSchema, AdditionalPropertiesHaveOtherNamesAndTheirOwnSchema) {
  const auto grammar = schema(R"({"type": "object", "properties": {"ab": {"type": "integer"}},
                                  "additionalProperties": {"type": "boolean"}})");
  accepts(grammar, {"{}", R"({"ab":1})", R"({"ab":1,"a":true,"abc":false,"":true})", R"({"x":true})"});
  rejects(grammar, {R"({"ab":^true})", R"({"ab":1,"ab^":true})", R"({"a":^1})", R"({"\u00^61b":true})"});
  accepts(schema(R"({"type": "object"})"), {"{}", R"({"a":{"b":[1]}})"});
  accepts(schema(R"({"type": "object", "additionalProperties": false})"), {"{}"});
  rejects(schema(R"({"type": "object", "properties": {}})"), {"{^\"a\":1}"});
  accepts(schema(R"({"additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 2})"),
          {R"({"a":1})", R"({"a":1,"b":2})"});
  rejects(schema(R"({"additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 2})"),
          {"{^}", R"({"a":1,"b":2^,"c":3})"});
}

TEST(JsonSchema, ArraysAreAsLongAsTheyMay) {
  const auto grammar = schema(R"({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3})");
  accepts(grammar, {"[1,2]", "[1, 2, 3]", "[\n  1,\n  2\n]"});
  rejects(grammar, {"[^]", "[1^]", "[1^ ]", "[1,2,3^,4]", "[1,2,^]", "[1,^true]"});
  accepts(schema(R"({"type": "array", "maxItems": 0})"), {"[]"});
  rejects(schema(R"({"type": "array", "maxItems": 0})"), {"[^1]"});
  const auto tuple = schema(R"({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}],
                                "items": {"type": "null"}, "minItems": 1, "maxItems": 4})");
  accepts(tuple, {"[1]", "[1,true]", "[1,true,null,null]"});
  rejects(tuple, {"[^]", "[^true]", "[1,^1]", "[1,true,^1]", "[1,true,null,null^,null]"});
  rejects(schema(R"({"type": "array", "items": false})"), {"[^1]"});
}

TEST(JsonSchema, StringsCountCharactersNotBytes) {
  const auto grammar = schema(R"({"type": "string", "minLength": 2, "maxLength": 3})");
  accepts(grammar, {R"("ab")", R"("é🦙ß")", R"("\n\ud83d\ude00")", R"("\u0041\\\"")"});
  rejects(grammar, {R"("^")", R"("a^")", R"("abc^d")", R"("é🦙ß^é")", R"("abc^\n")", R"("ab^)"});
}

TEST(JsonSchema, PatternsAreSearchedForUnlessAnchored) {
  const auto anchored = schema(R"({"type": "string", "pattern": "^[a-c]+\\d{2}(x|yz)?$"})");
  accepts(anchored, {R"("a12")", R"("abc99yz")", R"("c00x")"});
  rejects(anchored, {R"("^1")", R"("a1^")", R"("a12y^")", R"("^d")"});
  accepts(schema(R"({"pattern": "b"})"), {R"("b")", R"("abc")", "\"é\\nb\""});
  rejects(schema(R"({"pattern": "b"})"), {R"("ac^")"});
  accepts(schema(R"({"pattern": "^a|b$"})"), {R"("ax")", R"("xb")"});
  accepts(schema(R"({"pattern": "^\"\\\\[\\s\\S]\\u00e9$"})"), {"\"\\\"\\\\\\té\"", "\"\\\"\\\\\\\"é\""});
  accepts(schema(R"({"pattern": "^a*$", "minLength": 1, "maxLength": 2})"), {R"("a")", R"("aa")"});
  rejects(schema(R"({"pattern": "^a*$", "minLength": 1, "maxLength": 2})"), {R"("^")", R"("aa^a")"});
  rejects(schema(R"({"pattern": "^(ab)*$", "maxLength": 3})"), {R"("ab^a")"});
  accepts(schema(R"({"pattern": "^(?<year>\\d{4})-(?:0?[1-9]|1[0-2])$"})"), {R"("2026-9")", R"("2026-12")"});
}

TEST(JsonSchema, FormatsAreThoseOfTheirStandards) {
  accepts(schema(R"({"format": "date"})"), {R"("2026-11-27")", R"("2024-02-28")"});
  rejects(schema(R"({"format": "date"})"), {R"("2026-1^3")", R"("2026-02-^3")", R"("2026-04-3^1")", R"("2026-11-2^")"});
  accepts(schema(R"({"format": "date-time"})"), {R"("2026-11-27T22:30:00Z")", R"("2026-11-27T22:30:00.25+01:00")"});
  accepts(schema(R"({"format": "uuid"})"), {R"("123e4567-e89b-12d3-a456-426614174000")"});
  accepts(schema(R"({"format": "email"})"), {R"("a.b+c@example.co.uk")"});
  accepts(schema(R"({"format": "ipv4"})"), {R"("255.0.1.99")"});
  rejects(schema(R"({"format": "ipv4"})"), {R"("25^6.0.0.1")"});
  EXPECT_THAT(refusal(R"({"format": "color"})"), AllOf(HasSubstr("'format' at #"), HasSubstr("uuid")));
}

// Every bound against every number near it.
TEST(JsonSchema, WholeNumbersStayInTheirBounds) {
  for (const int64_t low : {-1234, -100, -99, -10, -9, -1, 0, 1, 7, 10, 99, 123}) {
    for (const int64_t high : {-1000, -99, -5, -1, 0, 1, 9, 10, 11, 99, 100, 123, 1500}) {
      if (low > high) continue;
      const auto grammar = schema(fmt::format(R"({{"type": "integer", "minimum": {}, "maximum": {}}})", low, high));
      for (int64_t value = -1600; value <= 1600; ++value) {
        const bool inside = low <= value && value <= high;
        EXPECT_EQ(judge(grammar, std::to_string(value)).complete, inside) << value << " in " << low << " to " << high;
      }
      EXPECT_FALSE(judge(grammar, "007").complete);
    }
  }
  accepts(schema(R"({"type": "integer"})"), {"0", "-1", "999999999999999999"});
  accepts(schema(R"({"type": "integer", "exclusiveMinimum": 2.5, "exclusiveMaximum": 4})"), {"3"});
  rejects(schema(R"({"type": "integer", "exclusiveMinimum": 2.5, "exclusiveMaximum": 4})"), {"^2", "^4"});
  accepts(schema(R"({"type": "integer", "minimum": 5})"), {"5", "123456789012345678"});
}

TEST(JsonSchema, NumbersStayInTheirBounds) {
  const std::vector<std::string> values = {"-2",   "-1.5", "-1.0", "-1", "-0.5", "-0.25", "-0.0", "-0",   "0",   "0.0",
                                           "0.05", "0.5",  "0.99", "1",  "1.0",  "1.01",  "1.5",  "2",    "2.0", "9.99",
                                           "10",   "10.0", "10.1", "11", "25.5", "99.9",  "100",  "100.0"};
  for (const int low : {-1, 0, 1, 10}) {
    for (const int high : {0, 1, 2, 10, 100}) {
      for (const bool open : {false, true}) {
        if (low > high || (low == high && open)) continue;
        const auto grammar =
            schema(fmt::format(R"({{"type": "number", "{}": {}, "{}": {}}})", open ? "exclusiveMinimum" : "minimum",
                               low, open ? "exclusiveMaximum" : "maximum", high));
        for (const std::string& text : values) {
          const double value = std::stod(text);
          const bool inside = open ? low < value && value < high : low <= value && value <= high;
          // Of zero, one spelling is enough.
          if (value == 0 && text[0] == '-') continue;
          EXPECT_EQ(judge(grammar, text).complete, inside) << text << " in " << low << " to " << high << open;
        }
      }
    }
  }
}

TEST(JsonSchema, EnumAndConstAreWrittenCompactly) {
  const auto grammar = schema(R"({"enum": ["red", "re", 1, 12, null, {"a": [1, 2]}, "é\""]})");
  accepts(grammar, {R"("red")", R"("re")", "1", "12", "null", R"({"a":[1,2]})", "\"é\\\"\""});
  rejects(grammar, {R"("r^")", "1^3", R"({"a":[1,^ 2]})"});
  accepts(schema(R"({"const": "x"})"), {R"("x")"});
  accepts(schema(R"({"type": "integer", "enum": ["a", 2]})"), {"2"});
  rejects(schema(R"({"type": "integer", "enum": ["a", 2]})"), {"^\"a\""});
}

TEST(JsonSchema, TypeListsAndNullable) {
  accepts(schema(R"({"type": ["string", "null"], "maxLength": 1})"), {R"("a")", "null"});
  accepts(schema(R"({"type": ["integer", "number"]})"), {"1", "1.5"});
  accepts(schema(R"({"type": "boolean", "nullable": true})"), {"true", "null"});
  accepts(schema("{}"), {"1", R"("x")", R"({"a":[]})"});
  accepts(schema("true"), {"1"});
  EXPECT_THAT(refusal("false"), HasSubstr("no finite text"));
}

TEST(JsonSchema, RecursiveReferences) {
  const auto tree = schema(R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object",
      "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
      "required": ["value", "children"]}}})");
  accepts(tree, {R"({"value":1,"children":[]})",
                 R"({"value":1,"children":[{"value":2,"children":[{"value":3,"children":[]}]}]})"});
  rejects(tree, {R"({"value":1,"children":[^1]})"});
  const auto list = schema(R"({"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
                               "required": ["next"]})");
  accepts(list, {R"({"next":{"next":null}})"});
  accepts(schema(R"({"properties": {"a/b": {"type": "integer"}, "c": {"$ref": "#/properties/a~1b"}}})"),
          {R"({"a/b":1,"c":2})"});
}

TEST(JsonSchema, AlternativesMayBeginAlike) {
  const auto grammar = schema(R"({"anyOf": [
      {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}, "required": ["kind", "lives"]},
      {"type": "object", "properties": {"kind": {"const": "car"}, "wheels": {"type": "integer"}}, "required": ["kind", "wheels"]},
      {"type": "string"}]})");
  accepts(grammar, {R"({"kind":"cat","lives":9})", R"({"kind":"car","wheels":4})", R"("x")"});
  rejects(grammar, {R"({"kind":"ca^b"})", R"({"kind":"cat","^wheels":4})"});
}

TEST(JsonSchema, OneOfNeedsAlternativesThatExcludeEachOther) {
  accepts(schema(R"({"oneOf": [{"type": "string"}, {"type": "integer"}]})"), {"1", R"("1")"});
  accepts(schema(R"({"oneOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}], "discriminator": {"propertyName": "k"},
      "$defs": {"a": {"type": "object", "properties": {"k": {"const": "a"}}, "required": ["k"]},
                "b": {"type": "object", "properties": {"k": {"enum": ["b", "c"]}}, "required": ["k"]}}})"),
          {R"({"k":"a"})", R"({"k":"c"})"});
  EXPECT_THAT(refusal(R"({"oneOf": [{"type": "number"}, {"type": "integer"}]})"),
              AllOf(HasSubstr("'oneOf' at #"), HasSubstr("anyOf")));
}

TEST(JsonSchema, AllOfIsJoined) {
  const auto grammar = schema(R"({"allOf": [{"$ref": "#/$defs/named"}, {"properties": {"age": {"minimum": 0}}}],
      "properties": {"age": {"type": "integer", "maximum": 150}}, "required": ["age"],
      "$defs": {"named": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}}})");
  accepts(grammar, {R"({"age":3,"name":"x"})"});
  rejects(grammar, {R"({"age":3^})", R"({"age":^-3,"name":"x"})", R"({"age":15^1,"name":"x"})"});
  accepts(schema(R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                     "anyOf": [{"required": ["a"]}, {"required": ["b"]}]})"),
          {R"({"a":1})", R"({"b":1})", R"({"a":1,"b":2})"});
  EXPECT_THAT(refusal(R"({"allOf": [{"pattern": "a"}, {"pattern": "b"}]})"), HasSubstr("'pattern' at #/allOf/1"));
  EXPECT_THAT(refusal(R"({"allOf": [{"type": "string"}, {"type": "integer"}]})"), HasSubstr("contradicts"));
}

TEST(JsonSchema, WhatIsNotSupportedIsRefusedByNameAndPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"type": "array", "uniqueItems": true})", "'uniqueItems' at #"},
      {R"({"properties": {"a": {"multipleOf": 3}}})", "'multipleOf' at #/properties/a"},
      {R"({"not": {"type": "string"}})", "'not' at #"},
      {R"({"items": {"if": {}, "then": {}}})", "'if' at #/items"},
      {R"({"propertys": {}})", "'propertys' at #"},
      {R"({"patternProperties": {"a": {}}})", "'patternProperties' at #"},
      {R"({"type": "strin"})", "'type' at # is strin"},
      {R"({"required": ["a"], "properties": {}})", "'required' at # names 'a'"},
      {R"({"minLength": -1})", "'minLength' at #"},
      {R"({"minLength": 5, "maxLength": 4})", "'minLength' at #"},
      {R"({"minItems": 3, "maxItems": 2})", "'minItems' at #"},
      {R"({"type": "integer", "minimum": 5, "maximum": 4})", "no number"},
      {R"({"type": "number", "minimum": 0.5})", "'minimum' at #"},
      {R"({"$ref": "http://example.com/schema"})", "'$ref' at #"},
      {R"({"$ref": "#/$defs/none"})", "'$ref' at #"},
      {R"({"$ref": "#"})", "refers to itself"},
      {R"({"anyOf": [{"$ref": "#"}, {"type": "string"}]})", "refers to itself"},
      {R"({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]})", "no finite text"},
      {R"({"pattern": "(?=a)b"})", "'pattern' at #"},
      {R"({"pattern": "(a"})", "'pattern' at #"},
      {R"~({"pattern": "a)"})~", "'pattern' at #"},
      {R"({"pattern": "\\bword"})", "'pattern' at #"},
      {R"({"pattern": "(a)\\1"})", "'pattern' at #"},
      {R"({"pattern": "a**"})", "'pattern' at #"},
      {R"({"pattern": "a{2,1}"})", "'pattern' at #"},
      {R"~({"pattern": "(^a)"})~", "'pattern' at #"},
      {R"({"pattern": "[z-a]"})", "'pattern' at #"},
      {R"({"enum": []})", "'enum' at #"},
      {R"({"enum": ["abc"], "maxLength": 2})", "'maxLength' at #"},
      {R"([1])", "at # stands"},
      {R"({"a")", "JSON Schema: not valid JSON"},
  };
  for (const auto& [text, why] : cases) {
    EXPECT_THAT(refusal(text), AllOf(HasSubstr("JSON Schema"), HasSubstr(why))) << text;
  }
}

TEST(JsonSchema, WhatWouldBeTooLargeIsRefused) {
  EXPECT_THAT(refusal(R"({"pattern": "(((a{1000}){1000}){1000}){1000}"})"), HasSubstr("too large"));
  EXPECT_THAT(refusal(R"({"pattern": "a.{400}$", "maxLength": 5000})"), HasSubstr("more states"));
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += R"({"items":)";
  EXPECT_THAT(refusal(deep + "true" + std::string(200, '}')), HasSubstr("deeper"));
  std::string doubling = R"({"$ref": "#/$defs/d0", "$defs": {)";
  for (int i = 0; i < 60; ++i) {
    doubling += fmt::format(R"("d{}": {{"anyOf": [{{"$ref": "#/$defs/d{}", "minItems": 1}},
                               {{"$ref": "#/$defs/d{}", "minItems": 2}}]}}, )",
                            i, i + 1, i + 1);
  }
  EXPECT_THAT(refusal(doubling + R"("d60": {"type": "array"}}})"), HasSubstr("more states"));
  std::string chain = R"({"$ref": "#/$defs/d0", "$defs": {)";
  for (int i = 0; i < 500; ++i) chain += fmt::format(R"("d{}": {{"items": {{"$ref": "#/$defs/d{}"}}}}, )", i, i + 1);
  EXPECT_THAT(refusal(chain + R"("d500": true}})"), HasSubstr("levels deep"));
}

// Each of these took minutes, or for ever, once.
TEST(JsonSchema, NoSchemaIsAtWorkForLong) {
  EXPECT_THAT(refusal(R"({"pattern": "^((a?){100}){600}$"})"), HasSubstr("more states"));
  std::string pairs = R"({"oneOf": [{"const": 0})";
  for (int i = 1; i < 8000; ++i) pairs += fmt::format(R"(,{{"const":{}}})", i);
  EXPECT_THAT(refusal(pairs + "]}"), HasSubstr("too often"));
  std::string values = R"({"enum": [0)";
  for (int i = 1; i < 40000; ++i) values += fmt::format(",{}", i);
  EXPECT_THAT(refusal(values + "]}"), HasSubstr("consists of 40002 values"));
}

TEST(JsonSchema, WhatCanBeReadInCountlessWaysIsStillReadInSome) {
  std::string branches = R"({"$ref": "#/$defs/d0", "$defs": {)";
  for (int i = 0; i < 30; ++i) {
    branches += fmt::format(
        R"("d{0}": {{"anyOf": [{{"anyOf": [{{"$ref": "#/$defs/d{1}"}}, {{"const": 0}}]}},
                               {{"anyOf": [{{"$ref": "#/$defs/d{1}"}}, {{"const": 1}}]}}]}}, )",
        i, i + 1);
  }
  const auto branching = schema(branches + R"("d30": {"type": "string"}}})");
  accepts(branching, {R"("text")", "0", "1"});
  rejects(branching, {"^2"});

  const auto nesting = schema(R"({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [
      {"type": "array", "items": {"$ref": "#/$defs/a"}}, {"type": "array", "items": {"$ref": "#/$defs/a"}}]}}})");
  const std::string opening(60, '[');
  accepts(nesting, {opening + std::string(60, ']')});
  rejects(nesting, {opening + std::string(60, ']') + "^]", opening + "^}"});
}

// One token per byte: every walk that ends is a valid document, and no walk gets stuck.
class RandomWalks : public ::testing::TestWithParam<const char*> {};

TEST_P(RandomWalks, GiveValidDocuments) {
  const json document = json::parse(GetParam());
  const Validator validator(document);
  const auto grammar = schema(GetParam());
  std::vector<std::string> bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.emplace_back(1, static_cast<char>(byte));
  TokenMasks masks(grammar, std::make_shared<const TokenTrie>(bytes));
  std::mt19937 random(7);
  int finished = 0;
  for (int walk = 0; walk < 200; ++walk) {
    GrammarMatcher matcher(grammar);
    std::string text;
    for (int steps = 0; steps < 3000; ++steps) {
      std::vector<int32_t> next;
      matcher.allowed(masks).for_each([&](int32_t byte) { next.push_back(byte); });
      if (matcher.complete() && (next.empty() || random() % 4 == 0)) break;
      ASSERT_FALSE(next.empty()) << "stuck after " << text;
      // Quotes and brackets more often, or strings and lists have no end.
      std::vector<int32_t> closing;
      for (const int32_t byte : next) {
        if (byte == '"' || byte == '}' || byte == ']') closing.push_back(byte);
      }
      const std::vector<int32_t>& from = closing.empty() || random() % 3 != 0 ? next : closing;
      text += static_cast<char>(from[random() % from.size()]);
      ASSERT_EQ(matcher.advance(std::string_view(text).substr(text.size() - 1)), 1U);
    }
    if (!matcher.complete()) continue;
    ++finished;
    const json value = json::parse(text, nullptr, false);
    ASSERT_FALSE(value.is_discarded()) << text;
    EXPECT_EQ(validator.judge(value), "") << text;
  }
  EXPECT_GT(finished, 50);
}

INSTANTIATE_TEST_SUITE_P(
    Schemas, RandomWalks,
    ::testing::Values(
        R"({"type": "object"})",
        R"({"type": "object", "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 20},
            "age": {"type": "integer", "minimum": 0, "maximum": 150}, "score": {"type": "number", "minimum": 0, "maximum": 1},
            "tags": {"type": "array", "items": {"enum": ["a", "b", "cde"]}, "minItems": 1, "maxItems": 4},
            "note": {"type": ["string", "null"]}}, "required": ["name", "age"], "additionalProperties": false})",
        R"({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "boolean"}})",
        R"({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "items": {"type": "boolean"},
            "minItems": 1, "maxItems": 5})",
        R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"v": {"type": "integer"},
            "left": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]}}, "required": ["v"]}}})",
        R"({"anyOf": [{"type": "string", "pattern": "^[A-Z][a-z]{0,5}( [A-Z][a-z]*)?$"}, {"type": "integer"}]})",
        R"({"oneOf": [{"type": "object", "properties": {"t": {"const": 1}, "x": {"type": "string"}}, "required": ["t"]},
            {"type": "object", "properties": {"t": {"const": 2}, "y": {"type": "boolean"}}, "required": ["t", "y"]}]})",
        R"({"type": "string", "pattern": "b+[^a-y]?", "maxLength": 12})",
        R"({"type": "object", "additionalProperties": {"type": "integer", "exclusiveMinimum": -7}, "minProperties": 1,
            "maxProperties": 3})"));

}  // namespace
}  // namespace kerf
