#include "kerf/base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace kerf {
namespace {

TEST(ThreadPool, RunsEveryIndexOnceForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const int n : {0, 1, 2, 100}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(n));
      pool.parallel_for(n, [&](int i) { hits[static_cast<size_t>(i)].fetch_add(1); });
      for (const auto& hit : hits) EXPECT_EQ(hit.load(), 1);
    }
  }
}

TEST(ThreadPool, BackToBackLoopsDoNotMixUpTheirBodies) {
  ThreadPool pool(3);
  std::vector<int> values(64, 0);
  for (int round = 0; round < 2000; ++round) {
    pool.parallel_for(64, [&](int i) { values[static_cast<size_t>(i)] += i; });
  }
  for (int i = 0; i < 64; ++i) EXPECT_EQ(values[static_cast<size_t>(i)], 2000 * i);
}

TEST(ThreadPool, MoreThreadsThanCoresFinishEveryLoop) {
  ThreadPool pool(24);
  std::vector<int> values(100, 0);
  for (int round = 0; round < 200; ++round) {
    pool.parallel_for(100, [&](int i) { values[static_cast<size_t>(i)] += 1; });
  }
  EXPECT_EQ(values, std::vector<int>(100, 200));
}

TEST(ThreadPool, WorkersThatHaveGoneToSleepTakePartAgain) {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // longer than they stay awake
    std::atomic<int> there{0};
    // Neither call returns before both threads have one.
    pool.parallel_for(2, [&](int) {
      there.fetch_add(1);
      while (there.load() < 2) std::this_thread::yield();
    });
    EXPECT_EQ(there.load(), 2);
  }
}

TEST(ThreadPool, AThreadWithALongTaskLosesTheOthersOfItsRun) {
  ThreadPool pool(2);
  std::atomic<int> done{0};
  // The first i of either run waits for all others of both, which the other thread must take.
  pool.parallel_for(20, [&](int i) {
    while (i == 0 && done.load() < 19) std::this_thread::yield();
    done.fetch_add(1);
  });
  EXPECT_EQ(done.load(), 20);
}

}  // namespace
}  // namespace kerf
