#include "kerf/io/topology/rings.h"

namespace kerf {

namespace {

class Search {
 public:
  Search(size_t size, const std::function<bool(size_t, size_t)>& allowed, int steps)
      : size_(size), steps_(steps), edges_(size * size), used_(size) {
    for (size_t a = 0; a < size; ++a) {
      for (size_t b = 0; b < size; ++b) edges_[a * size + b] = a != b && allowed(a, b);
    }
  }

  std::vector<size_t> run() {
    ring_ = {0};
    used_[0] = true;
    if (!extend()) ring_.clear();
    return std::move(ring_);
  }

 private:
  [[nodiscard]] bool edge(size_t a, size_t b) const { return edges_[a * size_ + b]; }

  // Bounded in depth by the number of devices of a node.
  bool extend() {  // NOLINT(misc-no-recursion)
    if (ring_.size() == size_) return edge(ring_.back(), 0);
    for (size_t next = 1; next < size_; ++next) {
      if (used_[next] || !edge(ring_.back(), next)) continue;
      if (--steps_ < 0) return false;
      used_[next] = true;
      ring_.push_back(next);
      if (extend()) return true;
      ring_.pop_back();
      used_[next] = false;
    }
    return false;
  }

  size_t size_;
  int steps_;
  std::vector<bool> edges_;
  std::vector<bool> used_;
  std::vector<size_t> ring_;
};

}  // namespace

std::vector<size_t> find_ring(size_t size, const std::function<bool(size_t, size_t)>& allowed, int steps) {
  return Search(size, allowed, steps).run();
}

}  // namespace kerf
