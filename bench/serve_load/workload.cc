#include "workload.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <stdexcept>

namespace kerf::load {

namespace {

using Lengths = std::pair<int64_t, int64_t>;  // tokens of prompt and answer

// Columns 2 and 3 of the Azure LLM inference trace: TIMESTAMP,ContextTokens,GeneratedTokens.
std::vector<Lengths> read_trace(const Options& options) {
  std::ifstream in(options.trace);
  std::string line;
  if (!std::getline(in, line)) throw std::runtime_error(options.trace + ": cannot be read");
  std::vector<Lengths> lengths;
  while (static_cast<int64_t>(lengths.size()) < options.requests && std::getline(in, line)) {
    std::istringstream fields(line);
    std::string time, input, output;
    std::getline(fields, time, ',');
    std::getline(fields, input, ',');
    std::getline(fields, output, ',');
    const auto scaled = [&](const std::string& field) {
      try {
        return std::max<int64_t>(1, std::llround(std::stod(field) * options.scale));
      } catch (const std::logic_error&) {
        throw std::runtime_error(options.trace + ": no number in '" + line + "'");
      }
    };
    const int64_t answer = std::min(scaled(output), options.longest / 2);
    lengths.emplace_back(std::min(scaled(input), options.longest - answer), answer);
  }
  if (static_cast<int64_t>(lengths.size()) < options.requests) {
    throw std::runtime_error(options.trace + ": has " + std::to_string(lengths.size()) + " requests only");
  }
  return lengths;
}

class Prompts {
 public:
  explicit Prompts(const Options& options) : options_(options), rng_(options.seed) {
    for (int64_t i = 0; i < options.shared_prefix; ++i) prefix_.push_back(draw());
  }

  nlohmann::json make(int64_t tokens) {
    std::vector<int64_t> ids(prefix_.begin(), prefix_.begin() + std::min<int64_t>(tokens, options_.shared_prefix));
    while (static_cast<int64_t>(ids.size()) < tokens) ids.push_back(draw());
    if (!options_.text) return ids;
    std::string text;  // as many letters: what a tokenizer without merges makes that many tokens of
    for (const int64_t id : ids) text += static_cast<char>('a' + id % 26);
    return text;
  }

 private:
  int64_t draw() { return std::uniform_int_distribution<int64_t>(options_.vocab / 2, options_.vocab - 1)(rng_); }

  const Options& options_;
  std::mt19937_64 rng_;
  std::vector<int64_t> prefix_;
};

std::string body_of(const Options& options, const nlohmann::json& prompt, int64_t max_tokens) {
  nlohmann::json body = {{"prompt", prompt}, {"max_tokens", max_tokens},
                         {"temperature", 0}, {"ignore_eos", true},
                         {"stream", true},   {"stream_options", {{"include_usage", true}}}};
  if (!options.model.empty()) body["model"] = options.model;
  return body.dump();
}

}  // namespace

std::vector<Work> make_workload(const Options& options) {
  std::vector<Lengths> lengths(static_cast<size_t>(options.requests), {options.input, options.output});
  if (!options.trace.empty()) lengths = read_trace(options);
  Prompts prompts(options);
  std::vector<Work> work;
  for (const auto& [input, output] : lengths) {
    work.push_back({.body = body_of(options, prompts.make(input), output), .input = input, .output = output});
  }
  return work;
}

std::string one_token_body(const Options& options) {
  Prompts prompts(options);
  return body_of(options, prompts.make(std::max<int64_t>(1, options.shared_prefix)), 1);
}

}  // namespace kerf::load
