#include "kerf/serve/openai/tool_calls.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kerf/serve/openai/call_text.h"

namespace kerf {

namespace {

void append_calls(ToolOutput& out, std::vector<Call> calls, int& next_index) {
  for (Call& call : calls) out.calls.push_back({next_index++, std::move(call.name), std::move(call.arguments)});
}

// How many bytes at the end of text may be the beginning of mark.
size_t partial_mark(std::string_view text, std::string_view mark) {
  for (size_t length = std::min(text.size(), mark.size() - 1); length > 0; --length) {
    if (text.ends_with(mark.substr(0, length))) return length;
  }
  return 0;
}

// Gives out text, but holds back what may be the beginning of a mark, and white space before it, which belongs to the
// call.
class MarkedReader : public ToolCallReader {
 public:
  explicit MarkedReader(std::string_view mark) : mark_(mark) {}

  ToolOutput push(std::string_view text) override {
    held_ += text;
    ToolOutput out;
    while (!inside_) {
      const size_t at = held_.find(mark_);
      if (at == std::string::npos) {
        give(out, held_.size() - partial_mark(held_, mark_));
        return out;
      }
      give(out, at);
      before_ = held_.substr(0, held_.find(mark_));  // white space
      held_.erase(0, before_.size() + mark_.size());
      inside_ = true;
      read(out);
    }
    read(out);
    return out;
  }

  ToolOutput finish() override {
    ToolOutput out;
    if (inside_) read_last(out);
    out.content += std::exchange(held_, {});
    return out;
  }

 protected:
  // Takes what it can of held_, which follows a mark; sets inside_ to false where a call ends.
  virtual void read(ToolOutput& out) = 0;
  // The text has ended.
  virtual void read_last(ToolOutput& out) = 0;

  // What follows the mark is no call: it goes out as it came.
  void not_a_call(ToolOutput& out, std::string_view rest) {
    out.content += before_;
    out.content += mark_;
    out.content += rest;
  }

  std::string_view mark_;
  std::string held_;
  std::string before_;
  bool inside_ = false;
  int next_index_ = 0;

 private:
  void give(ToolOutput& out, size_t end) {
    while (end > 0 && is_json_space(held_[end - 1])) --end;
    out.content += held_.substr(0, end);
    held_.erase(0, end);
  }
};

class HermesReader : public MarkedReader {
 public:
  HermesReader() : MarkedReader("<tool_call>") {}

 private:
  static constexpr std::string_view kEnd = "</tool_call>";

  void read(ToolOutput& out) override {
    const size_t end = held_.find(kEnd);
    if (end == std::string::npos) return;
    take(out, std::string_view(held_).substr(0, end), kEnd);
    held_.erase(0, end + kEnd.size());
    inside_ = false;
  }

  void read_last(ToolOutput& out) override { take(out, std::exchange(held_, {}), ""); }

  void take(ToolOutput& out, std::string_view text, std::string_view end) {
    if (std::optional<Call> call = call_of(text)) {
      append_calls(out, {*std::move(call)}, next_index_);
    } else {
      not_a_call(out, std::string(text) + std::string(end));
    }
  }
};

class MistralReader : public MarkedReader {
 public:
  MistralReader() : MarkedReader("[TOOL_CALLS]") {}

 private:
  void read(ToolOutput& /*out*/) override {}  // calls end where the text does

  void read_last(ToolOutput& out) override {
    const std::string text = std::exchange(held_, {});
    if (auto calls = calls_of_mistral(text)) {
      append_calls(out, *std::move(calls), next_index_);
    } else {
      not_a_call(out, text);
    }
  }
};

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
    case ToolFormat::kHermes: return std::make_unique<HermesReader>();
    case ToolFormat::kMistral: return std::make_unique<MistralReader>();
    case ToolFormat::kLlama3:
      return std::make_unique<WholeReader>(calls_of_objects, std::vector<std::string_view>{"<|python_tag|>", "{"});
  }
  return nullptr;
}

ToolFormat tool_format_of(std::string_view chat_template) {
  const auto mentions = [chat_template](std::string_view text) {
    return chat_template.find(text) != std::string_view::npos;
  };
  if (mentions("<tool_call>")) return ToolFormat::kHermes;
  if (mentions("[TOOL_CALLS]")) return ToolFormat::kMistral;
  if (mentions("<|python_tag|>") || (mentions("<|eot_id|>") && mentions("tools"))) return ToolFormat::kLlama3;
  return ToolFormat::kNone;
}

Result<ToolFormat> tool_format_named(std::string_view name) {
  if (name == "hermes") return ToolFormat::kHermes;
  if (name == "llama3_json") return ToolFormat::kLlama3;
  if (name == "mistral") return ToolFormat::kMistral;
  return fail("--tool-call-parser {}: unknown; it is hermes, llama3_json or mistral", name);
}

std::vector<std::string> marks_of(ToolFormat format) {
  switch (format) {
    case ToolFormat::kNone: return {};
    case ToolFormat::kHermes: return {"<tool_call>", "</tool_call>"};
    case ToolFormat::kLlama3: return {"<|python_tag|>"};
    case ToolFormat::kMistral: return {"[TOOL_CALLS]", "[ARGS]"};
  }
  return {};
}

}  // namespace kerf
