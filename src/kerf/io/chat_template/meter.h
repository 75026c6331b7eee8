// Counts what a rendering uses and raises when a limit is reached.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "kerf/io/chat_template/limits.h"

namespace kerf::jinja {

class Meter {
 public:
  explicit Meter(const TemplateLimits& limits) : limits_(limits) {}
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  [[nodiscard]] const TemplateLimits& limits() const { return limits_; }

  void step(uint64_t count = 1);
  // Touching `bytes` of text or values costs steps too, so that few operations on huge values are
  // bounded like many on small ones.
  void work(size_t bytes);

  void charge(size_t bytes);  // raises before the limit is passed
  void release(size_t bytes) { memory_bytes_ -= bytes; }

  void enter();  // one evaluation deeper; raises at the limit
  void leave() { --depth_; }

 private:
  TemplateLimits limits_;
  uint64_t steps_ = 0;
  size_t work_bytes_ = 0;
  size_t memory_bytes_ = 0;
  size_t depth_ = 0;
};

// Holds one level of depth.
class DepthGuard {
 public:
  explicit DepthGuard(Meter& meter) : meter_(meter) { meter_.enter(); }
  ~DepthGuard() { meter_.leave(); }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  Meter& meter_;
};

// Bytes of memory held against a meter; none when default-constructed (constants of the template and
// values of the context belong to the caller, not to the rendering).
class Charge {
 public:
  Charge() = default;
  Charge(Meter& meter, size_t bytes) : meter_(&meter), bytes_(bytes) { meter.charge(bytes); }
  ~Charge() {
    if (meter_ != nullptr) meter_->release(bytes_);
  }
  Charge(Charge&& other) noexcept
      : meter_(std::exchange(other.meter_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Charge& operator=(const Charge&) = delete;

  // REQUIRES: constructed with a meter.
  void grow(size_t bytes) {
    meter_->charge(bytes);
    bytes_ += bytes;
  }
  void shrink_to(size_t bytes) {
    meter_->release(bytes_ - bytes);
    bytes_ = bytes;
  }

 private:
  Meter* meter_ = nullptr;
  size_t bytes_ = 0;
};

// Grows a string under the meter: every append is charged before it happens.
class TextBuilder {
 public:
  explicit TextBuilder(Meter& meter, size_t max_bytes = SIZE_MAX) : meter_(meter), charge_(meter, 0), max_(max_bytes) {}

  void append(std::string_view text);
  void append(size_t count, char c);
  void append(size_t count, std::string_view unit);
  [[nodiscard]] size_t size() const { return text_.size(); }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string take();  // leaves the builder empty

 private:
  void grow(size_t bytes);

  Meter& meter_;
  Charge charge_;
  size_t max_;
  std::string text_;
};

}  // namespace kerf::jinja
