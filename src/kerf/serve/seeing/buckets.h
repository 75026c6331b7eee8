// Bounds of /metrics' histograms. They contain vLLM's, so that quantiles over both can be compared, and begin lower
// where a small model on a CPU is faster than what vLLM's bounds can tell apart.
#pragma once

#include <cstdint>
#include <vector>

namespace kerf {

using Buckets = std::vector<double>;

inline const Buckets kFirstTokenBuckets = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75,
                                           1,     2.5,   5,    7.5,  10,   20,   40,   80,  160,  640, 2560};
inline const Buckets kTokenBuckets = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3,
                                      0.4,    0.5,   0.75,   1,     2.5,  5,     7.5,  10,    20,  40,   80};
inline const Buckets kRequestBuckets = {0.01, 0.03, 0.1, 0.3, 0.5, 0.8, 1,   1.5, 2,   2.5, 5,    10,
                                        15,   20,   30,  40,  50,  60,  120, 240, 480, 960, 1920, 7680};
inline const Buckets kStepBuckets = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                     0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
inline const Buckets kStepTokenBuckets = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};
inline const Buckets kAnswerBuckets = {1, 2, 5, 10, 20};

// 1, 2, 5, 10, 20, … up to `largest`.
[[nodiscard]] inline Buckets count_buckets(int64_t largest) {
  Buckets buckets;
  for (int64_t power = 1; power <= largest; power *= 10) {
    for (const int64_t digit : {1, 2, 5}) {
      if (digit * power <= largest) buckets.push_back(static_cast<double>(digit * power));
    }
  }
  return buckets;
}

}  // namespace kerf
