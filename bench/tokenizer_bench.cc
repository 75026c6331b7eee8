// Encoding speed in bytes per second, one core, English text of 1 MB:
//   tokenizer_bench --tokenizer=<model directory> ... --text=<file>
// and the time to load each tokenizer.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/io/tokenizer/tokenizer.h"

namespace {

constexpr size_t kTextBytes = 1'000'000;

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  text.resize(std::min(text.size(), kTextBytes));
  return text;
}

std::unique_ptr<kerf::Tokenizer> load(const std::string& dir, benchmark::State& state) {
  auto tokenizer = kerf::Tokenizer::load(dir);
  if (tokenizer.ok()) return std::move(tokenizer).value();
  state.SkipWithError(tokenizer.error().message.c_str());
  return nullptr;
}

void load_speed(benchmark::State& state, const std::string& dir) {
  for (auto _ : state) benchmark::DoNotOptimize(load(dir, state));
}

void encode_speed(benchmark::State& state, const std::string& dir, const std::string& text) {
  const auto tokenizer = load(dir, state);
  if (tokenizer == nullptr) return;
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer->encode(text));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

void decode_speed(benchmark::State& state, const std::string& dir, const std::string& text) {
  const auto tokenizer = load(dir, state);
  if (tokenizer == nullptr) return;
  const std::vector<int32_t> ids = tokenizer->encode(text);
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer->decode(ids, true));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * ids.size()));
}

// The values of --name=value, which are taken out of argv.
std::vector<std::string> take_options(std::string_view name, int& argc, char** argv) {
  std::vector<std::string> values;
  const auto taken = [&](std::string_view argument) {
    if (!argument.starts_with(name)) return false;
    values.emplace_back(argument.substr(name.size()));
    return true;
  };
  argc = static_cast<int>(std::remove_if(argv + 1, argv + argc, taken) - argv);
  return values;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> dirs = take_options("--tokenizer=", argc, argv);
  const std::vector<std::string> texts = take_options("--text=", argc, argv);
  benchmark::Initialize(&argc, argv);
  for (const std::string& dir : dirs) {
    benchmark::RegisterBenchmark(("load/" + dir).c_str(), load_speed, dir)->Unit(benchmark::kMillisecond);
    for (const std::string& path : texts) {
      const std::string text = read_text(path);
      benchmark::RegisterBenchmark(("encode/" + dir).c_str(), encode_speed, dir, text)->Unit(benchmark::kMillisecond);
      benchmark::RegisterBenchmark(("decode/" + dir).c_str(), decode_speed, dir, text)->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
}
