#include "kerf/apps/probe/collective_probe.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <utility>

#include "kerf/apps/probe/rounds.h"

namespace kerf {

namespace {

using Clock = std::chrono::steady_clock;

// Longer than a communicator spins before it sleeps (50 us).
constexpr double kIdle_us = 400;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// `count` of the world's ranks, taken from its hosts in turn, so that a group over several hosts meets them all.
std::vector<int> spread_ranks(const World& world, int count) {
  std::map<std::string, std::vector<int>, std::less<>> by_host;
  for (int r = 0; r < world.size(); ++r) by_host[std::string(world.host(r))].push_back(r);
  std::vector<int> chosen;
  for (size_t turn = 0; static_cast<int>(chosen.size()) < count; ++turn) {
    for (const auto& [host, ranks] : by_host) {
      if (turn < ranks.size() && static_cast<int>(chosen.size()) < count) chosen.push_back(ranks[turn]);
    }
  }
  std::ranges::sort(chosen);
  return chosen;
}

// The ranks of the fullest host, as far as `count`.
std::vector<int> ranks_of_one_host(const World& world, int count) {
  std::map<std::string, std::vector<int>, std::less<>> by_host;
  for (int r = 0; r < world.size(); ++r) by_host[std::string(world.host(r))].push_back(r);
  const auto fullest = std::ranges::max_element(by_host, {}, [](const auto& e) { return e.second.size(); });
  std::vector<int> ranks = fullest->second;
  if (static_cast<int>(ranks.size()) > count) ranks.resize(static_cast<size_t>(count));
  return ranks;
}

class CollectiveProbe {
 public:
  CollectiveProbe(World& world, const CollectiveProbeOptions& options)
      : world_(world),
        options_(options),
        most_bytes_(options.tiny    ? 256
                    : options.quick ? 4 << 20
                                    : 16 << 20),
        in_(static_cast<size_t>(most_bytes_ / 4), 1.0F),
        out_(static_cast<size_t>(most_bytes_ / 4)) {
    std::vector<int> everyone(static_cast<size_t>(world.size()));
    std::iota(everyone.begin(), everyone.end(), 0);
    all_ = world.group(everyone, "probe");
  }

  CollectiveFigures run() {
    for (int r = 0; r < world_.size(); ++r) figures_.hosts.emplace_back(world_.host(r));
    std::set<std::vector<int>> groups;
    for (int count = 2;; count = std::min(2 * count, world_.size())) {
      for (std::vector<int> ranks : {ranks_of_one_host(world_, count), spread_ranks(world_, count)}) {
        if (static_cast<int>(ranks.size()) == count) groups.insert(std::move(ranks));
      }
      if (count >= world_.size()) break;
    }
    const double pairs_share = options_.quick || world_.size() == 2 ? 0.1 : 0.3;
    double done = 0;
    for (const std::vector<int>& ranks : groups) {
      const double share = (1 - pairs_share) / static_cast<double>(groups.size());
      measure_group(ranks, options_.budget_s * share, done, share);
      done += share;
    }
    measure_pairs(options_.budget_s * pairs_share);
    return world_.rank() == 0 ? std::move(figures_) : CollectiveFigures{};
  }

 private:
  [[nodiscard]] std::vector<int64_t> sizes() const {
    if (options_.tiny) return {8, 256};
    if (options_.quick) return {8, 1 << 10, 8 << 10, 64 << 10, 512 << 10, 4 << 20};
    return {8, 64, 256, 1 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20};
  }

  // Rank 0 says whether another round fits.
  bool go_on(bool mine) {
    int32_t yes = mine ? 1 : 0;
    all_->broadcast(Tensor(&yes, {1}), 0);
    return yes == 1;
  }

  // The lowest rank's time of one call, in seconds, or 0 on ranks that take no part. All ranks meet before it.
  double sample(bool member, int repetitions, const std::function<void()>& call) {
    (void)go_on(true);
    if (!member) return 0;
    call();
    const Clock::time_point start = Clock::now();
    for (int i = 0; i < repetitions; ++i) call();
    return seconds_since(start) / repetitions;
  }

  [[nodiscard]] int repetitions(int64_t bytes) const {
    return options_.tiny ? 1 : static_cast<int>(std::clamp<int64_t>((1 << 20) / bytes, 2, 100));
  }

  void measure_group(const std::vector<int>& ranks, double budget_s, double done, double share) {
    const bool member = std::ranges::find(ranks, world_.rank()) != ranks.end();
    const std::unique_ptr<Communicator> group = member ? world_.group(ranks, "probed") : nullptr;
    const auto p = static_cast<int>(ranks.size());
    const ReductionTree tree(even_bounds(p, p));
    struct Series {
      std::string op;
      int64_t bytes;
      std::function<void()> call;
      std::vector<double> us;
    };
    std::vector<Series> all;
    for (const int64_t bytes : sizes()) {
      const int64_t n = std::max<int64_t>(1, bytes / 4 / p) * p;
      if (n * 4 > most_bytes_) continue;
      const auto bounds = even_bounds(n, p);
      const auto add = [&](const char* op, std::function<void()> call) {
        all.push_back({op, n * 4, std::move(call), {}});
      };
      const ConstTensor nodes(in_.data(), {1, n});
      const ConstTensor flat(in_.data(), {n});
      const ConstTensor part(in_.data(), {n / p});
      const Tensor whole(out_.data(), {n});
      const Tensor piece(out_.data(), {n / p});
      Communicator* c = group.get();
      add("all_reduce", [=] { c->all_reduce_sum(nodes, whole, tree); });
      add("reduce_scatter", [=] { c->reduce_scatter_sum(nodes, piece, tree, bounds); });
      add("all_gather", [=] { c->all_gather(part, whole, bounds); });
      add("all_to_all", [=] { c->all_to_all(flat, bounds, whole, bounds); });
      add("broadcast", [=] { c->broadcast(whole, 0); });
      if (p == 2) add("send", [=] { ping_pong(*c, 0, 1, flat, whole); });
    }
    if (p == 2) {  // a message to a rank that waits long enough to have gone to sleep
      const ConstTensor flat(in_.data(), {2});
      const Tensor whole(out_.data(), {2});
      all.push_back({"wake", 8, [c = group.get(), flat, whole] { lazy_ping_pong(*c, flat, whole); }, {}});
    }
    const Clock::time_point start = Clock::now();
    const int least = options_.tiny ? 1 : 3;
    for (int round = 0; go_on(round < least || seconds_since(start) * (round + 1) / round < budget_s); ++round) {
      for (Series& one : all) {
        const bool lazy = one.op == "wake";
        const double us = sample(member, lazy ? 2 : repetitions(one.bytes), one.call) * 1e6;
        one.us.push_back(lazy ? std::max(0.0, us / 2 - kIdle_us) : one.op == "send" ? us / 2 : us);
      }
      options_.progress(done + share * std::min(1.0, seconds_since(start) / budget_s));
    }

    // The group's first rank knows the times; it tells rank 0.
    std::map<std::string, CollectiveCurve> curves;
    for (Series& one : all) {
      const double us = tell_rank_0(ranks[0], middle(std::move(one.us)).value);
      CollectiveCurve& curve = curves[one.op];
      curve.op = one.op;
      curve.ranks = p;
      if (!curve.bytes.empty() && curve.bytes.back() >= static_cast<double>(one.bytes)) continue;  // 8 B on 4 ranks
      curve.bytes.push_back(static_cast<double>(one.bytes));
      curve.us.push_back(us);
    }
    const bool one_host = tell_rank_0(ranks[0], member && group->kind() == "mpi" ? 0 : 1) == 1;
    for (auto& [op, curve] : curves) {
      curve.transport = one_host ? "shm" : "mpi";
      figures_.collectives.push_back(std::move(curve));
    }
  }

  double tell_rank_0(int from, double value) {
    if (from == 0) return value;
    const ConstTensor message(&value, DType::kU8, {sizeof(value)});
    if (world_.rank() == from) all_->send(message, 0);
    if (world_.rank() == 0) all_->recv(Tensor(&value, DType::kU8, {sizeof(value)}), from);
    return value;
  }

  static void ping_pong(Communicator& c, int a, int b, ConstTensor out, Tensor in) {
    if (c.rank() == a) {
      c.send(out, b);
      c.recv(in, b);
    } else if (c.rank() == b) {
      c.recv(in, a);
      c.send(out, a);
    }
  }

  // Each rank computes for kIdle_us before it answers, as stages of a pipeline do.
  static void lazy_ping_pong(Communicator& c, ConstTensor out, Tensor in) {
    const auto compute = [] {
      const Clock::time_point start = Clock::now();
      while (seconds_since(start) * 1e6 < kIdle_us) {
      }
    };
    if (c.rank() == 0) {
      compute();
      c.send(out, 1);
      c.recv(in, 1);
    } else if (c.rank() == 1) {
      c.recv(in, 0);
      compute();
      c.send(out, 0);
    }
  }

  // Quick: rank 0 with the others; otherwise everyone with everyone.
  void measure_pairs(double budget_s) {
    const Clock::time_point start = Clock::now();
    for (int a = 0; a < world_.size(); ++a) {
      for (int b = a + 1; b < world_.size(); ++b) {
        const bool member = world_.rank() == a || world_.rank() == b;
        if ((options_.quick && a > 0) || !go_on(seconds_since(start) < budget_s || a == 0)) continue;
        const std::unique_ptr<Communicator> pair = member ? world_.group(std::vector<int>{a, b}, "pair") : nullptr;
        const auto time = [&](int64_t bytes) {
          const ConstTensor out(in_.data(), {bytes / 4});
          const Tensor in(out_.data(), {bytes / 4});
          std::vector<double> seconds;
          for (int round = 0; round < (options_.tiny ? 1 : 5); ++round) {
            seconds.push_back(sample(member, repetitions(bytes), [&] { ping_pong(*pair, 0, 1, out, in); }) / 2);
          }
          return tell_rank_0(a, middle(std::move(seconds)).value);
        };
        const int64_t large = std::min<int64_t>(most_bytes_, 1 << 20);
        const double small_s = time(8);
        const double large_s = time(large);
        figures_.pairs.push_back({a, b, small_s * 1e6, static_cast<double>(large) / std::max(large_s, 1e-9) / 1e9});
        options_.progress(1);
      }
    }
  }

  World& world_;
  CollectiveProbeOptions options_;
  int64_t most_bytes_;
  std::vector<float> in_, out_;
  std::unique_ptr<Communicator> all_;
  CollectiveFigures figures_;
};

}  // namespace

CollectiveFigures probe_collectives(World& world, const CollectiveProbeOptions& options) {
  return CollectiveProbe(world, options).run();
}

}  // namespace kerf
