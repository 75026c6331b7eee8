// A persistent pool of threads that run one loop at a time.
#pragma once

#include <functional>
#include <memory>
#include <vector>

namespace kerf {

// A loop costs less than a microsecond where the threads are awake: nothing is locked, and nobody waits for a thread
// that has no part in it (asleep, or without a core).
//
// Threading: one caller at a time; parallel_for must not be called from inside a body.
class ThreadPool {
 public:
  // threads >= 1 counts the caller, which takes part in the work: ThreadPool(1) starts no thread.
  // cores: where to pin them, one each, the caller to the first (base/cores.h); empty = where the system puts them.
  explicit ThreadPool(int threads, const std::vector<int>& cores = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const;

  // Calls body(i) once for every i in [0, n), on any thread, in any order, and returns when all
  // are done. Each thread has a run of consecutive i, in order; one that is through with its own takes the last ones
  // of others. A body must not throw, and its result must not depend on which thread runs it.
  void parallel_for(int n, const std::function<void(int)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kerf
