#include "kerf/comm/self.h"

#include <array>
#include <cstring>

#include "kerf/comm/merge.h"

namespace kerf {

namespace {

void copy(const std::byte* from, std::byte* to, int64_t bytes) {
  if (bytes > 0 && from != to) std::memmove(to, from, static_cast<size_t>(bytes));
}

class Self final : public Communicator {
 public:
  Self() : Communicator(0, 1) {}
  [[nodiscard]] std::string_view kind() const override { return "self"; }
  void abort(std::string_view why) noexcept override {
    if (!aborted_) why_ = why;
    aborted_ = true;
  }

 private:
  void check() const {
    if (aborted_) throw CommError(why_);
  }

  // The one rank owns every slice, so its cover is the root.
  void do_all_reduce(const float* nodes, float* sum, int64_t n, const ReductionTree& tree) override {
    check();
    merge(tree.finish(), std::array{nodes}, n, std::array{sum});
  }
  void do_reduce_scatter(const float* nodes, float* part, int64_t n, const ReductionTree& tree,
                         std::span<const int64_t> /*bounds*/) override {
    do_all_reduce(nodes, part, n, tree);
  }
  void do_all_gather(const std::byte* part, std::byte* whole, std::span<const int64_t> bounds) override {
    check();
    copy(part, whole, bounds.back());
  }
  void do_all_to_all(const std::byte* in, std::span<const int64_t> to, std::byte* out,
                     std::span<const int64_t> /*from*/) override {
    check();
    copy(in, out, to.back());
  }
  void do_broadcast(std::byte* /*data*/, int64_t /*bytes*/, int /*root*/) override { check(); }
  void do_send(const std::byte* /*data*/, int64_t /*bytes*/, int /*to*/) override {}
  void do_recv(std::byte* /*data*/, int64_t /*bytes*/, int /*from*/) override {}

  bool aborted_ = false;
  std::string why_;
};

}  // namespace

std::unique_ptr<Communicator> make_self() { return std::make_unique<Self>(); }

}  // namespace kerf
