// A persistent pool of threads that run one loop at a time.
#pragma once

#include <functional>
#include <memory>

namespace kerf {

// Threading: one caller at a time; parallel_for must not be called from inside a body.
class ThreadPool {
 public:
  // threads >= 1 counts the caller, which takes part in the work: ThreadPool(1) starts no thread.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const;

  // Calls body(i) once for every i in [0, n), on any thread, in any order, and returns when all
  // are done. A body must not throw, and its result must not depend on which thread runs it.
  void parallel_for(int n, const std::function<void(int)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kerf
