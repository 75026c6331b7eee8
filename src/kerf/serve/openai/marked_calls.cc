#include "kerf/serve/openai/marked_calls.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace kerf {

namespace {

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

}  // namespace

std::unique_ptr<ToolCallReader> make_hermes_reader() { return std::make_unique<HermesReader>(); }
std::unique_ptr<ToolCallReader> make_mistral_reader() { return std::make_unique<MistralReader>(); }

}  // namespace kerf
