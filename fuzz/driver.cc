// A stand-in for libFuzzer where the compiler has none: <program> SEED_DIR ITERATIONS [RNG_SEED]
// runs every seed file, then ITERATIONS deterministic mutations of them, through
// LLVMFuzzerTestOneInput. A crash or a sanitizer report is the failure.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

std::vector<std::string> read_seeds(const std::filesystem::path& dir) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> seeds;
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return seeds;
}

// A few random edits: overwrite, insert, erase, duplicate a span, splice with another seed.
std::string mutate(std::string input, const std::vector<std::string>& seeds, std::mt19937_64& rng) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : static_cast<size_t>(rng() % n); };
  for (size_t edit = 0, edits = 1 + below(6); edit < edits; ++edit) {
    const size_t at = below(input.size() + 1);
    switch (below(6)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(rng());
        break;
      case 1: input.insert(at, 1, static_cast<char>(rng())); break;
      case 2: input.erase(at, 1 + below(16)); break;
      case 3: input.insert(at, input.substr(below(input.size() + 1), below(64))); break;
      case 4: input.resize(at); break;
      default: {
        const std::string& other = seeds[below(seeds.size())];
        input = input.substr(0, at) + other.substr(below(other.size() + 1));
      }
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s SEED_DIR ITERATIONS [RNG_SEED]\n", argv[0]);
    return 2;
  }
  const std::vector<std::string> seeds = read_seeds(argv[1]);
  if (seeds.empty()) {
    std::fprintf(stderr, "%s: no seeds in %s\n", argv[0], argv[1]);
    return 1;
  }
  for (const auto& seed : seeds) run(seed);
  std::mt19937_64 rng(argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);
  const auto iterations = std::strtoull(argv[2], nullptr, 10);
  for (uint64_t i = 0; i < iterations; ++i) run(mutate(seeds[rng() % seeds.size()], seeds, rng));
  std::printf("%zu seeds, %llu mutations: survived\n", seeds.size(), static_cast<unsigned long long>(iterations));
  return 0;
}
