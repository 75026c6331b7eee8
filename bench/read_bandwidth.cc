// read_bandwidth [THREADS]: what memory gives THREADS threads together right now, in GB/s, on stdout.
//
// Each thread, on a core of its own, reads its part of a buffer far beyond any cache, over and over for 0.3 s.
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr size_t kWordsPerThread = size_t{32} << 20;  // 256 MB: several times a server's last-level cache per core
constexpr size_t kWordsAtATime = size_t{1} << 18;
constexpr auto kDuration = std::chrono::milliseconds(300);

void pin_to(size_t thread) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  size_t seen = 0;
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || seen++ != thread) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    return;
  }
}

// Eight sums, so that the compiler vectorises and no addition waits for the last.
uint64_t read_words(const uint64_t* words) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i < kWordsAtATime; i += 8) {
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] ^= words[i + lane];
  }
  uint64_t all = 0;
  for (const uint64_t sum : sums) all ^= sum;
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const long threads = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 1;
  if (threads < 1 || threads > 1024) {
    std::fprintf(stderr, "usage: read_bandwidth [THREADS]\n");
    return 2;
  }
  std::atomic<long> ready = 0;
  std::atomic<uint64_t> words_read = 0;
  std::atomic<uint64_t> checksum = 0;  // of all words, so that reading them cannot be left out
  std::vector<std::thread> workers;
  for (long t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      pin_to(static_cast<size_t>(t));
      const std::vector<uint64_t> words(kWordsPerThread, 1);
      ++ready;
      while (ready.load() < threads) std::this_thread::yield();
      const auto end = std::chrono::steady_clock::now() + kDuration;
      uint64_t sum = 0;
      uint64_t count = 0;
      for (size_t at = 0; std::chrono::steady_clock::now() < end; at = (at + kWordsAtATime) % kWordsPerThread) {
        sum ^= read_words(words.data() + at);
        count += kWordsAtATime;
      }
      words_read += count;
      checksum ^= sum;
    });
  }
  for (std::thread& worker : workers) worker.join();
  const std::chrono::duration<double> seconds = kDuration;
  const volatile uint64_t used = checksum.load();
  static_cast<void>(used);
  std::printf("%.2f\n", static_cast<double>(words_read.load() * sizeof(uint64_t)) / seconds.count() / 1e9);
}
