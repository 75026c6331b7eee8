#include "kerf/io/chat_template/meter.h"

#include "kerf/io/chat_template/error.h"

namespace kerf::jinja {

namespace {
constexpr size_t kBytesPerStep = 256;
}  // namespace

void Meter::step(uint64_t count) {
  steps_ += count;
  if (steps_ > limits_.max_steps) raise("the template takes more than {} steps", limits_.max_steps);
}

void Meter::work(size_t bytes) {
  work_bytes_ += bytes;
  if (work_bytes_ < kBytesPerStep) return;
  step(work_bytes_ / kBytesPerStep);
  work_bytes_ %= kBytesPerStep;
}

void Meter::charge(size_t bytes) {
  if (bytes > limits_.max_memory_bytes - memory_bytes_) {
    raise("the template needs more than {} bytes of memory", limits_.max_memory_bytes);
  }
  memory_bytes_ += bytes;
}

void Meter::enter() {
  if (depth_ >= limits_.max_depth) raise("the template nests deeper than {} evaluations", limits_.max_depth);
  ++depth_;
}

void TextBuilder::grow(size_t bytes) {
  if (bytes > max_ - text_.size()) raise("the template writes more than {} bytes", max_);
  meter_.work(bytes);
  charge_.grow(bytes);
}

void TextBuilder::append(std::string_view text) {
  grow(text.size());
  text_.append(text);
}

void TextBuilder::append(size_t count, char c) {
  grow(count);
  text_.append(count, c);
}

void TextBuilder::append(size_t count, std::string_view unit) {
  if (unit.size() == 1) return append(count, unit[0]);
  for (size_t i = 0; i < count; ++i) append(unit);
}

std::string TextBuilder::take() {
  charge_.shrink_to(0);
  return std::exchange(text_, {});
}

}  // namespace kerf::jinja
