#include "kerf/io/chat_template/model_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

namespace kerf {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ModelTemplateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "kerf-model-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override { fs::remove_all(dir_); }

  void write(const fs::path& name, std::string_view text) const {
    fs::create_directories((dir_ / name).parent_path());
    std::ofstream(dir_ / name) << text;
  }

  // What the template writes, or the error.
  [[nodiscard]] std::string rendered(std::string_view name = "default") const {
    const auto loaded = load_chat_template(dir_, name);
    if (!loaded.ok()) return loaded.error().message;
    if (!*loaded) return "none";
    return *(*loaded)->chat.render(nlohmann::ordered_json::object());
  }

  fs::path dir_;
};

TEST_F(ModelTemplateTest, IsAbsentWhereNoFileHasOne) {
  EXPECT_EQ(rendered(), "none");
  write("tokenizer_config.json", R"({"bos_token": "<s>", "chat_template": null})");
  EXPECT_EQ(rendered(), "none");
}

TEST_F(ModelTemplateTest, PrefersTheFilesOfTheirOwn) {
  write("tokenizer_config.json", R"({"chat_template": "config"})");
  EXPECT_EQ(rendered(), "config");
  write("chat_template.json", R"({"chat_template": "json"})");
  EXPECT_EQ(rendered(), "json");
  write("chat_template.jinja", "jinja");
  EXPECT_EQ(rendered(), "jinja");
}

TEST_F(ModelTemplateTest, PicksANamedTemplateOrTheDefault) {
  write("tokenizer_config.json", R"({"chat_template": [{"name": "default", "template": "d"},
                                                      {"name": "tool_use", "template": "t"}]})");
  EXPECT_EQ(rendered(), "d");
  EXPECT_EQ(rendered("tool_use"), "t");
  EXPECT_EQ(rendered("rag"), "d");
  write("tokenizer_config.json", R"({"chat_template": [{"name": "rag", "template": "r"}]})");
  EXPECT_THAT(rendered(), HasSubstr("no template named 'default'"));
}

TEST_F(ModelTemplateTest, FindsAdditionalTemplates) {
  write("chat_template.jinja", "main");
  write("additional_chat_templates/tool_use.jinja", "tools");
  EXPECT_EQ(rendered(), "main");
  EXPECT_EQ(rendered("tool_use"), "tools");
  EXPECT_EQ(rendered("rag"), "main");
}

TEST_F(ModelTemplateTest, ReadsSpecialTokensOfBothForms) {
  write("tokenizer_config.json",
        R"({"chat_template": "x", "bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}})");
  const auto loaded = load_chat_template(dir_);
  ASSERT_TRUE(loaded.ok() && *loaded);
  EXPECT_EQ((*loaded)->bos_token, "<s>");
  EXPECT_EQ((*loaded)->eos_token, "</s>");
  EXPECT_EQ((*loaded)->pad_token, std::nullopt);
}

TEST_F(ModelTemplateTest, NamesTheFileAndFieldThatAreWrong) {
  write("tokenizer_config.json", "{");
  EXPECT_THAT(rendered(), HasSubstr("tokenizer_config.json: not a JSON object"));
  write("tokenizer_config.json", R"({"chat_template": 5})");
  EXPECT_THAT(rendered(), HasSubstr("chat_template must be a string or a list"));
  write("tokenizer_config.json", R"({"chat_template": [{"name": "x"}]})");
  EXPECT_THAT(rendered(), HasSubstr("each entry must have a name and a template"));
  write("tokenizer_config.json", R"({"chat_template": "x", "bos_token": 1})");
  EXPECT_THAT(rendered(), HasSubstr("bos_token must be a string"));
  write("tokenizer_config.json", R"({"chat_template": "{% if %}"})");
  EXPECT_THAT(rendered(), HasSubstr("tokenizer_config.json chat_template:1: expected an expression"));
}

}  // namespace
}  // namespace kerf
