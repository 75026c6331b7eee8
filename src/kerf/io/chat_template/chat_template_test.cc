#include "kerf/io/chat_template/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string render(std::string_view source, const ordered_json& context = ordered_json::object()) {
  const auto parsed = ChatTemplate::parse(source, "t");
  if (!parsed.ok()) return "parse error: " + parsed.error().message;
  const auto text = parsed->render(context);
  return text.ok() ? *text : "error: " + text.error().message;
}

const ordered_json kChat = ordered_json::parse(R"({
  "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
  "tools": null, "add_generation_prompt": true, "bos_token": "<s>"})");

TEST(ChatTemplate, RendersAConversation) {
  const char* source =
      "{{ bos_token }}{% for message in messages %}\n"
      "    {%- if loop.first and message.role == 'system' %}\n"
      "[{{ message['content'] }}]\n"
      "    {%- else %}\n"
      "<|{{ message.role }}|>{{ message.content | trim }}\n"
      "    {%- endif %}\n"
      "{%- endfor %}\n"
      "{% if add_generation_prompt %}<|assistant|>{% endif %}\n";
  EXPECT_EQ(render(source, kChat), "<s>[Be kind.]<|user|>Hi<|assistant|>");
}

TEST(ChatTemplate, TrimsBlocksAndBlanksBeforeThem) {
  EXPECT_EQ(render("  {% if true %}\n  x\n  {% endif %}\ny\n"), "  x\ny");
  EXPECT_EQ(render("a {%- if true -%} \n b {% endif %}c"), "ab c");
  EXPECT_EQ(render("  {%+ if true +%}\nx{% endif %}"), "  \nx");
  EXPECT_EQ(render("a\n  {# comment #}\nb {{ 1 }}\n"), "a\nb 1");
}

TEST(ChatTemplate, WritesValuesAsPythonDoes) {
  EXPECT_EQ(render("{{ [1, 1.0, 1e16, 'it\\'s', none, true, (1,), {'a': 2}] }}"),
            R"([1, 1.0, 1e+16, "it's", None, True, (1,), {'a': 2}])");
  EXPECT_EQ(render("{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 3 }} {{ 'ab' * 2 }} {{ '%05.1f' % 3.14 }}"),
            "-4 2 3.5 8 abab 003.1");
}

TEST(ChatTemplate, WritesJsonAsTransformersDoes) {
  const ordered_json context = {{"x", {{"b", "é<>&'\n"}, {"a", {1, 2.0, nullptr, true}}}}};
  EXPECT_EQ(render("{{ x | tojson }}", context), R"({"b": "é<>&'\n", "a": [1, 2.0, null, true]})");
  EXPECT_EQ(render("{{ x | tojson(indent=2) }}", context),
            "{\n  \"b\": \"é<>&'\\n\",\n  \"a\": [\n    1,\n    2.0,\n    null,\n    true\n  ]\n}");
}

TEST(ChatTemplate, CountsCharactersNotBytes) {
  const ordered_json context = {{"s", "naïve 日本🎉"}};
  EXPECT_EQ(render("{{ s|length }} {{ s[2] }} {{ s[-1] }} {{ s[6:8] }} {{ s[::-1] }} {{ s|upper }}", context),
            "9 ï 🎉 日本 🎉本日 evïan NAÏVE 日本🎉");
}

TEST(ChatTemplate, TreatsUndefinedAsJinjaDoes) {
  EXPECT_EQ(render("[{{ x }}][{{ x is defined }}][{{ x | default('d') }}][{% for i in x %}{% endfor %}]"),
            "[][False][d][]");
  EXPECT_EQ(render("a\n{{ x.y }}"), "error: t:2: 'x' is undefined");
  EXPECT_EQ(render("{{ x + 1 }}"), "error: t:1: 'x' is undefined");
  EXPECT_EQ(render("{{ {}.a.b }}"), "error: t:1: 'dict object' has no attribute 'a'");
}

TEST(ChatTemplate, KeepsLoopVariablesInsideTheLoop) {
  EXPECT_EQ(render("{% set x = 0 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}"), "120");
  EXPECT_EQ(render("{% set n = namespace(x=0) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% endfor %}{{ n.x }}"),
            "3");
}

TEST(ChatTemplate, KnowsTheNeighboursOfALoopItem) {
  EXPECT_EQ(render("{% for i in 'abc' %}{{ loop.previtem }}{{ i }}{{ loop.nextitem }}{{ loop.index }}{{ loop.last }};"
                   "{% endfor %}"),
            "ab1False;abc2False;bc3True;");
}

TEST(ChatTemplate, CallsMacros) {
  EXPECT_EQ(render("{% macro m(a, b='B') %}{{ a }}{{ b }}{{ kwargs }}{% endmacro %}{{ m(1) }}{{ m(1, b=2, c=3) }}"),
            "1B{}12{'c': 3}");
  EXPECT_EQ(render("{% macro t(n) %}<{{ n }}>{{ caller() }}</{{ n }}>{% endmacro %}{% call t('b') %}x{% endcall %}"),
            "<b>x</b>");
}

TEST(ChatTemplate, RefusesToChangeValues) {
  EXPECT_THAT(render("{% set _ = messages.append(1) %}", kChat), HasSubstr("'append' of 'list' object is unsafe"));
  EXPECT_THAT(render("{{ {'a': 1}.update({}) }}"), HasSubstr("'update' of 'dict' object is unsafe"));
  EXPECT_THAT(render("{{ messages.__class__ }}|", kChat), "|");
}

TEST(ChatTemplate, ReportsWhatTheTemplateRaises) {
  EXPECT_EQ(render("{{ raise_exception('roles must alternate') }}"), "error: t:1: roles must alternate");
}

TEST(ChatTemplate, FormatsTheTimeOfItsClock) {
  const auto parsed = ChatTemplate::parse("{{ strftime_now('%d %b %Y') }}", "t");
  ASSERT_TRUE(parsed.ok());
  std::tm time{};
  time.tm_year = 124;
  time.tm_mon = 6;
  time.tm_mday = 26;
  EXPECT_EQ(*parsed->render(ordered_json::object(), {}, [&] { return time; }), "26 Jul 2024");
}

TEST(ChatTemplate, NamesLineAndMistakeOfASource) {
  EXPECT_EQ(render("a\n{% if x %}\n"),
            "parse error: t:2: unexpected end of template, expected 'elif' or 'else' or 'endif'");
  EXPECT_EQ(render("{{ 1 + }}"), "parse error: t:1: unexpected end of print statement");
  EXPECT_EQ(render("\n\n{% frob %}"), "parse error: t:3: unknown tag 'frob'");
  EXPECT_THAT(render("{% include 'x' %}"), StartsWith("parse error: t:1: 'include' is not supported"));
  EXPECT_THAT(render("\xff"), HasSubstr("not valid UTF-8"));
}

TEST(ChatTemplate, RefusesAContextThatIsNoObjectOrNoText) {
  EXPECT_THAT(render("x", ordered_json::array()), HasSubstr("must be a JSON object"));
  EXPECT_THAT(render("{{ s }}", {{"s", "\xff"}}), HasSubstr("not valid UTF-8"));
}

TEST(ChatTemplate, RefusesIntegersBeyond64Bits) {
  EXPECT_THAT(render("{{ 9223372036854775807 + 1 }}"), HasSubstr("does not fit into 64 bits"));
  EXPECT_THAT(render("{{ 2 ** 64 }}"), HasSubstr("does not fit into 64 bits"));
  EXPECT_THAT(render("{{ 99999999999999999999 }}"), HasSubstr("out of range"));
}

}  // namespace
}  // namespace kerf
