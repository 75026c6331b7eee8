// kerf's renderings beside Python's: every real template with every conversation, and snippets that
// each exercise one construct.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "kerf/io/chat_template/chat_template.h"
#include "kerf/io/chat_template/python_reference.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using testing::ReferenceCase;

fs::path testdata(const char* name) { return testing::source_dir() / "src/kerf/io/chat_template/testdata" / name; }

Result<std::string> render(const ReferenceCase& one) {
  KERF_TRY(const ChatTemplate parsed, ChatTemplate::parse(one.source, one.label));
  return parsed.render(one.context, {}, testing::reference_time);
}

// The same text, or an error on both sides. Returns for each case whether there is a text.
std::vector<bool> compare_with_python(const std::vector<ReferenceCase>& cases) {
  const auto expected = testing::render_with_python(cases);
  EXPECT_EQ(expected.size(), cases.size());
  std::vector<bool> has_text(cases.size());
  for (size_t i = 0; i < std::min(cases.size(), expected.size()); ++i) {
    const auto actual = render(cases[i]);
    has_text[i] = expected[i].has_value();
    if (!expected[i]) {
      EXPECT_FALSE(actual.ok()) << cases[i].label << ": Python raises, kerf writes\n" << (actual.ok() ? *actual : "");
      continue;
    }
    EXPECT_TRUE(actual.ok()) << cases[i].label << ": " << (actual.ok() ? "" : actual.error().message);
    EXPECT_EQ(actual.ok() ? *actual : *expected[i], *expected[i]) << cases[i].label;
  }
  return has_text;
}

TEST(ChatTemplateConformance, RendersRealTemplatesAsPythonDoes) {
  KERF_REQUIRE_CONFORMANCE("templates");
  KERF_REQUIRE_JINJA2();
  const auto conversations = nlohmann::ordered_json::parse(testing::read_file(testdata("conversations.json")));
  std::vector<ReferenceCase> cases;
  std::vector<std::string> templates;  // of each case
  for (const auto& entry : fs::directory_iterator(testing::conformance_dir() / "templates")) {
    if (entry.path().extension() != ".jinja") continue;
    const std::string source = testing::read_file(entry.path());
    for (const auto& conversation : conversations) {
      templates.push_back(entry.path().filename().string());
      const std::string label = templates.back() + " / " + conversation["name"].get<std::string>();
      cases.push_back({label, source, conversation["context"]});
    }
  }
  const auto has_text = compare_with_python(cases);
  // A template that refuses nearly every conversation is not tested by them.
  std::map<std::string, int> texts;
  for (size_t i = 0; i < cases.size(); ++i) texts[templates[i]] += has_text[i] ? 1 : 0;
  for (const auto& [name, count] : texts) EXPECT_GE(count, 6) << name;
}

TEST(ChatTemplateConformance, RendersSnippetsAsPythonDoes) {
  KERF_REQUIRE_JINJA2();
  const auto context = nlohmann::ordered_json::parse(testing::read_file(testdata("snippet_context.json")));
  std::ifstream file(testdata("snippets.txt"));
  std::vector<ReferenceCase> cases;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.starts_with("##")) continue;
    for (size_t at = 0; (at = line.find("⏎", at)) != std::string::npos;)
      line.replace(at, std::string("⏎").size(), "\n");
    cases.push_back({"snippets.txt:" + std::to_string(number) + " " + line, line, context});
  }
  EXPECT_GT(cases.size(), 300U);
  compare_with_python(cases);
}

}  // namespace
}  // namespace kerf
