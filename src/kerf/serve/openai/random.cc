#include "kerf/serve/openai/random.h"

#include <random>
#include <string_view>

namespace kerf {

namespace {

std::mt19937_64 seeded_generator() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

}  // namespace

uint64_t random_bits() {
  thread_local std::mt19937_64 generator = seeded_generator();
  return generator();
}

std::string random_name(size_t length) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string name;
  while (name.size() < length) name += kLetters[random_bits() % kLetters.size()];
  return name;
}

}  // namespace kerf
