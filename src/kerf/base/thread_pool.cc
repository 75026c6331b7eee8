#include "kerf/base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "kerf/base/check.h"
#include "kerf/base/cores.h"
#include "kerf/base/patience.h"
#include "kerf/base/shm.h"

namespace kerf {

namespace {

constexpr std::chrono::seconds kSleep{1};  // then look again; whoever publishes wakes sleepers

// What is left of one thread's run of i: the owner takes the first, others the last. Alone on its pair of cache lines.
class alignas(128) Run {
 public:
  void set(int begin, int end) { left_.store(pack(begin, end), std::memory_order_release); }
  // An i, or -1. A thread that comes late may take one of the next loop: that loop then waits for it.
  int take_first() {
    return take([](int begin, int end) { return pack(begin + 1, end); }, [](int begin, int) { return begin; });
  }
  int take_last() {
    return take([](int begin, int end) { return pack(begin, end - 1); }, [](int, int end) { return end - 1; });
  }

 private:
  static uint64_t pack(int begin, int end) {
    return static_cast<uint64_t>(static_cast<uint32_t>(begin)) << 32 | static_cast<uint32_t>(end);
  }
  template <typename Rest, typename Taken>
  int take(Rest rest, Taken taken) {
    uint64_t left = left_.load(std::memory_order_acquire);
    while (true) {
      const int begin = static_cast<int>(left >> 32);
      const int end = static_cast<int>(left & 0xffffffff);
      if (begin >= end) return -1;
      if (left_.compare_exchange_weak(left, rest(begin, end), std::memory_order_acq_rel, std::memory_order_acquire)) {
        return taken(begin, end);
      }
    }
  }

  std::atomic<uint64_t> left_{0};
};

}  // namespace

struct ThreadPool::State {
  explicit State(int threads) : runs(static_cast<size_t>(threads)) {}

  std::vector<Run> runs;  // one a thread, the caller's first
  std::vector<std::thread> workers;

  // The loop being run: written before its runs are, read after taking from them. It lasts until `left` is 0.
  const std::function<void(int)>* body = nullptr;
  alignas(128) std::atomic<int> left{0};  // of the loop's i, not yet reported done
  SharedCounter published;                // loops, and one more to stop
  SharedCounter finished;                 // moves after a loop's end
  Patience callers_patience;
  std::atomic<bool> stop{false};

  // Takes part in whatever loop there is, until nothing is left to take.
  void work(size_t self) {
    int done = 0;
    for (int i = runs[self].take_first(); i >= 0; i = runs[self].take_first(), ++done) (*body)(i);
    for (size_t other = 1; other < runs.size(); ++other) {
      Run& run = runs[(self + other) % runs.size()];
      for (int i = run.take_last(); i >= 0; i = run.take_last(), ++done) (*body)(i);
    }
    if (done > 0 && left.fetch_sub(done, std::memory_order_seq_cst) == done) finished.raise(finished.load() + 1);
  }

  void worker(size_t self) {
    Patience patience;
    uint32_t seen = 0;
    while (true) {
      while (!patience.wait([&] { return published.load() != seen; })) published.sleep(seen, kSleep);
      seen = published.load();
      if (stop.load(std::memory_order_acquire)) return;
      work(self);
    }
  }
};

ThreadPool::ThreadPool(int threads, const std::vector<int>& cores) : state_(std::make_unique<State>(threads)) {
  KERF_CHECK(threads >= 1);
  KERF_CHECK(cores.empty() || cores.size() == static_cast<size_t>(threads));
  const auto start = [&](size_t self) {
    return std::thread([s = state_.get(), self, core = cores.empty() ? -1 : cores[self]] {
      if (core >= 0) pin_this_thread(core);
      s->worker(self);
    });
  };
  for (size_t i = 1; i < static_cast<size_t>(threads); ++i) state_->workers.push_back(start(i));
  if (!cores.empty()) pin_this_thread(cores[0]);
}

ThreadPool::~ThreadPool() {
  state_->stop.store(true, std::memory_order_release);
  state_->published.raise(state_->published.load() + 1);
  for (auto& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::parallel_for(int n, const std::function<void(int)>& body) {
  State& s = *state_;
  if (s.workers.empty() || n <= 1) {
    for (int i = 0; i < n; ++i) body(i);
    return;
  }
  s.body = &body;
  s.left.store(n, std::memory_order_relaxed);
  const auto threads = static_cast<int64_t>(s.runs.size());
  for (int64_t i = 0; i < threads; ++i) {
    s.runs[static_cast<size_t>(i)].set(static_cast<int>(n * i / threads), static_cast<int>(n * (i + 1) / threads));
  }
  s.published.raise(s.published.load() + 1);
  s.work(0);
  while (true) {
    const uint32_t seen = s.finished.load();
    if (s.callers_patience.wait([&] { return s.left.load(std::memory_order_acquire) == 0; })) return;
    s.finished.sleep(seen, kSleep);
  }
}

}  // namespace kerf
