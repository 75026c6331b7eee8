// No template, however malicious, gets past its limits.
#include "kerf/io/chat_template/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kerf/io/chat_template/chat_template.h"

namespace kerf {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// Smaller than the defaults, for speed.
constexpr TemplateLimits kSmall{.max_memory_bytes = size_t{8} << 20, .max_steps = 2'000'000};

std::string failure(const std::string& source, const TemplateLimits& limits = kSmall) {
  const auto parsed = ChatTemplate::parse(source, "t");
  if (!parsed.ok()) return parsed.error().message;
  const auto text = parsed->render(nlohmann::ordered_json::object(), limits);
  return text.ok() ? "rendered " + std::to_string(text->size()) + " bytes" : text.error().message;
}

std::string repeated(const std::string& unit, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += unit;
  return out;
}

TEST(TemplateLimits, BoundOutput) {
  EXPECT_THAT(failure("{% for i in range(1000) %}{{ 'x' * 1000 }}{% endfor %}", {.max_output_bytes = 100'000}),
              HasSubstr("writes more than 100000 bytes"));
}

TEST(TemplateLimits, BoundSteps) {
  const char* nested = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
  EXPECT_THAT(failure(nested, {.max_steps = 1'000'000}), HasSubstr("more than 1000000 steps"));
}

TEST(TemplateLimits, BoundRecursionOfMacros) {
  EXPECT_THAT(failure("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), HasSubstr("nests deeper"));
  EXPECT_THAT(failure("{% macro m() %}{{ [[[m()]]] | map('list') | list }}{% endmacro %}{{ m() }}"),
              HasSubstr("nests deeper"));
}

TEST(TemplateLimits, BoundRecursionOfLoops) {
  EXPECT_THAT(failure("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}"), HasSubstr("nests deeper"));
}

TEST(TemplateLimits, BoundWhatOneValueHolds) {
  for (const char* source : {
           "{{ ('x' * 1000000000000)|length }}",
           "{{ ([1] * 1000000000000)|length }}",
           "{{ ('x' * 9223372036854775807)|length }}",
           "{{ 'x'.center(1000000000000)|length }}",
           "{{ ('%1000000000d' % 1)|length }}",
           "{{ '{:1000000000}'.format(1)|length }}",
           "{{ 'x'.zfill(1000000000000) }}",
           "{{ 'a'|indent(1000000000000, true) }}",
           "{{ [1]|tojson(indent=1000000000000) }}",
           "{{ [1]|batch(1000000000000, 1)|list }}",
           "{{ ('x' * 1000000).replace('', 'y' * 1000000) }}",
           "{{ (['x' * 1000000] * 1000000)|join }}",
           "{{ ('a,' * 5000000).split(',')|length }}",
           "{{ ('a' * 5000000)|list|length }}",
       }) {
    EXPECT_THAT(failure(source), AnyOf(HasSubstr("bytes of memory"), HasSubstr("steps"))) << source;
  }
}

TEST(TemplateLimits, BoundWhatAllValuesHoldTogether) {
  EXPECT_THAT(failure("{% set n = namespace(l=[]) %}{% for i in range(100000) %}{% set n.l = n.l + ['x' * 100000] %}"
                      "{% endfor %}"),
              HasSubstr("bytes of memory"));
  EXPECT_THAT(failure("{% set n = namespace(s='x') %}{% for i in range(100) %}{% set n.s = n.s + n.s %}{% endfor %}"),
              HasSubstr("bytes of memory"));
  EXPECT_THAT(
      failure("{% set n = namespace(l=[]) %}{% for i in range(100) %}{% set n.l = n.l + n.l + [1] %}{% endfor %}"),
      HasSubstr("bytes of memory"));
}

TEST(TemplateLimits, GiveMemoryBack) {
  // 100 MB in all, one at a time.
  EXPECT_EQ(failure("{% for i in range(100) %}{% set s = 'x' * 1000000 %}{% endfor %}"), "rendered 0 bytes");
}

TEST(TemplateLimits, BoundWorkOnSharedStructure) {
  // Sixty doublings: small in memory, endless to walk.
  const std::string doubling =
      "{% set n = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}"
      "{% set n.b = [n.b, n.b] %}{% endfor %}";
  EXPECT_THAT(failure(doubling + "{{ n.a == n.b }}"), HasSubstr("steps"));
  EXPECT_THAT(failure(doubling + "{{ n.a }}"), HasSubstr("more than"));
  EXPECT_THAT(failure(doubling + "{{ n.a | tojson }}"), HasSubstr("more than"));
}

TEST(TemplateLimits, BoundNestingOfValues) {
  EXPECT_THAT(failure("{% set n = namespace(a=[]) %}{% for i in range(100000) %}{% set n.a = [n.a] %}{% endfor %}"),
              HasSubstr("nests deeper"));
  EXPECT_THAT(failure("{% set n = namespace(a={}) %}{% for i in range(100000) %}{% set n.a = {'k': n.a.get} %}"
                      "{% endfor %}"),
              HasSubstr("nests deeper"));
  EXPECT_THAT(failure("{% set n = namespace(a=[]) %}{% for i in range(100000) %}{% set n.a = [n.a]|map('list') %}"
                      "{% endfor %}"),
              AnyOf(HasSubstr("nests deeper"), HasSubstr("rendered 0 bytes")));
}

TEST(TemplateLimits, BoundNestingOfSource) {
  EXPECT_THAT(failure("{{ " + repeated("(", 10000) + "1" + repeated(")", 10000) + " }}"), HasSubstr("nest deeper"));
  EXPECT_THAT(failure("{{ " + repeated("[", 10000) + repeated("]", 10000) + " }}"), HasSubstr("nest deeper"));
  EXPECT_THAT(failure("{{ " + repeated("not ", 10000) + "1 }}"), HasSubstr("nest deeper"));
  EXPECT_THAT(failure("{{ " + repeated("-", 10000) + "1 }}"), HasSubstr("nest deeper"));
  EXPECT_THAT(failure("{{ 1" + repeated(" + 1", 10000) + " }}"), HasSubstr("operations deep"));
  EXPECT_THAT(failure("{{ x" + repeated(".x", 10000) + " }}"), HasSubstr("operations deep"));
  EXPECT_THAT(failure("{{ x" + repeated("|trim", 10000) + " }}"), HasSubstr("operations deep"));
  EXPECT_THAT(failure(repeated("{% if 1 %}", 10000)), HasSubstr("nest deeper"));
  EXPECT_THAT(failure("{% set " + repeated("(", 10000)), HasSubstr("nest"));
}

TEST(TemplateLimits, EndCyclesThroughNamespaces) {
  // Under AddressSanitizer a leak fails the test.
  EXPECT_EQ(
      failure("{% set n = namespace() %}{% set n.me = n %}{% set n.list = [n, n.me] %}"
              "{% macro m() %}{{ n }}{% endmacro %}{% set n.m = m %}"
              "{% for i in [1] %}{% set n.loop = loop %}{% set n.f = loop.changed(loop, loop.cycle) %}{% endfor %}"),
      "rendered 0 bytes");
  EXPECT_THAT(failure("{% set n = namespace() %}{% set n.me = n %}{{ n }}"), HasSubstr("nests deeper"));
}

TEST(TemplateLimits, LetALongChatThrough) {
  nlohmann::ordered_json context;
  for (int i = 0; i < 200; ++i) {
    context["messages"].push_back({{"role", i % 2 == 0 ? "user" : "assistant"}, {"content", std::string(1000, 'x')}});
  }
  const auto parsed = ChatTemplate::parse(
      "{% set n = namespace(t='') %}{% for m in messages %}{% set n.t = n.t + m.role + ': ' + m.content + '\\n' %}"
      "{% endfor %}{{ n.t }}",
      "t");
  ASSERT_TRUE(parsed.ok());
  const auto text = parsed->render(context);
  ASSERT_TRUE(text.ok()) << text.error().message;
  EXPECT_EQ(text->size(), 200U * 1003 + 100 * (4 + 9));
}

}  // namespace
}  // namespace kerf
