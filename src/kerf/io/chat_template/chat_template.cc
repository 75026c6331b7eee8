#include "kerf/io/chat_template/chat_template.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/evaluator.h"
#include "kerf/io/chat_template/from_json.h"
#include "kerf/io/chat_template/functions.h"
#include "kerf/io/chat_template/parser.h"

namespace kerf {

namespace {

// The variables that the template mentions: the context's, then the built-in functions.
std::vector<std::optional<jinja::Value>> globals_of(const jinja::Program& program,
                                                    const nlohmann::ordered_json& context) {
  std::vector<std::optional<jinja::Value>> globals;
  for (const std::string& name : program.symbols) {
    const auto at = context.find(name);
    globals.push_back(at != context.end() ? jinja::from_json(*at) : jinja::find_function(name));
  }
  return globals;
}

}  // namespace

ChatTemplate::ChatTemplate(std::shared_ptr<const jinja::Program> program, std::string name)
    : program_(std::move(program)), name_(std::move(name)) {}

std::tm ChatTemplate::local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm time{};
  localtime_r(&now, &time);
  return time;
}

Result<ChatTemplate> ChatTemplate::parse(std::string_view source, std::string_view name) {
  try {
    auto program = std::make_shared<const jinja::Program>(jinja::parse_program(source));
    return ChatTemplate(std::move(program), std::string(name));
  } catch (const jinja::TemplateError& error) {
    return fail("{}:{}: {}", name, std::max(error.line, 1), error.message);
  }
}

Result<std::string> ChatTemplate::render(const nlohmann::ordered_json& context, const TemplateLimits& limits,
                                         const Clock& clock) const {
  if (!context.is_object()) return fail("{}: the context must be a JSON object", name_);
  jinja::Meter meter(limits);
  jinja::Runtime rt(meter, clock);
  try {
    jinja::Evaluator evaluator(*program_, rt, globals_of(*program_, context));
    jinja::TextBuilder out(meter, limits.max_output_bytes);
    evaluator.run(out);
    return out.take();
  } catch (const jinja::TemplateError& error) {
    return fail("{}:{}: {}", name_, std::max(rt.line, 1), error.message);
  }
}

}  // namespace kerf
