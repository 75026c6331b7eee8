#include "kerf/serve/openai/tool_calls.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kerf/serve/openai/marked_calls.h"

namespace kerf {

namespace {

// The whole text is calls, or none of it is.
class WholeReader : public ToolCallReader {
 public:
  using Parse = std::optional<std::vector<Call>> (*)(std::string_view);
  // first: what calls can begin with; empty: anything.
  WholeReader(Parse parse, std::vector<std::string_view> first) : parse_(parse), first_(std::move(first)) {}

  ToolOutput push(std::string_view text) override {
    held_ += text;
    ToolOutput out;
    if (content_ || !may_be_calls()) {
      content_ = true;
      out.content = std::exchange(held_, {});
    }
    return out;
  }

  ToolOutput finish() override {
    ToolOutput out;
    std::string_view text = trimmed(held_);
    for (const std::string_view first : first_) {
      if (first != "{" && text.starts_with(first)) text.remove_prefix(first.size());
    }
    int index = 0;
    if (auto calls = parse_(text)) {
      append_calls(out, *std::move(calls), index);
    } else {
      out.content = held_;
    }
    held_.clear();
    return out;
  }

 private:
  [[nodiscard]] bool may_be_calls() const {
    const std::string_view text = trimmed(held_);
    return first_.empty() || std::ranges::any_of(first_, [text](std::string_view first) {
             return text.starts_with(first) || first.starts_with(text);
           });
  }

  Parse parse_;
  std::vector<std::string_view> first_;
  std::string held_;
  bool content_ = false;
};

// All of it is the arguments of one function.
class FunctionReader : public ToolCallReader {
 public:
  explicit FunctionReader(std::string name) : name_(std::move(name)) {}
  ToolOutput push(std::string_view text) override {
    if (text.empty()) return {};
    return {.calls = {{0, std::exchange(name_, {}), std::string(text)}}};
  }
  ToolOutput finish() override { return {}; }

 private:
  std::string name_;
};

}  // namespace

void append_calls(ToolOutput& out, std::vector<Call> calls, int& next_index) {
  for (Call& call : calls) out.calls.push_back({next_index++, std::move(call.name), std::move(call.arguments)});
}

std::unique_ptr<ToolCallReader> make_tool_call_reader(ToolFormat format, const ToolChoice& choice) {
  switch (choice.kind) {
    case ToolChoice::Kind::kNone: return nullptr;
    case ToolChoice::Kind::kFunction: return std::make_unique<FunctionReader>(choice.function);
    case ToolChoice::Kind::kRequired:
      return std::make_unique<WholeReader>(calls_of_list, std::vector<std::string_view>());
    case ToolChoice::Kind::kAuto: break;
  }
  switch (format) {
    case ToolFormat::kNone: return nullptr;
    case ToolFormat::kHermes: return make_hermes_reader();
    case ToolFormat::kMistral: return make_mistral_reader();
    case ToolFormat::kLlama3:
      return std::make_unique<WholeReader>(calls_of_objects, std::vector<std::string_view>{"<|python_tag|>", "{"});
  }
  return nullptr;
}

}  // namespace kerf
