// Cores: which of them a rank's threads are pinned to.
#pragma once

#include <vector>

namespace kerf {

// Where a rank stands on its host.
struct RankPlace {
  int index = 0;  // among the ranks there
  int ranks = 1;
};

// That this process may use; none where the system has more than 1024.
[[nodiscard]] std::vector<int> allowed_cores();

// One core for each of a rank's threads, consecutive ones of `allowed`, no two ranks' the same; none where the ranks do
// not take every core: then the system finds free ones, and other processes' ranks do not meet on the first.
// `always` pins as long as there are enough.
[[nodiscard]] std::vector<int> choose_cores(const std::vector<int>& allowed, RankPlace place, int threads,
                                            bool always = false);

// The same of the cores that this process may use. KERF_PIN=off pins nothing, KERF_PIN=on always.
[[nodiscard]] std::vector<int> cores_of_rank(RankPlace place, int threads);

// Without effect where the system refuses.
void pin_this_thread(int core);

}  // namespace kerf
