// Ranks die and hang at any time, under load; no client may notice more than a pause: every stream has, token for
// token, what an undisturbed run gives.
//
// KERF_KILLS=N: so many for each cut.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <random>

#include "tests/fleet/fleet.h"

namespace kerf {
namespace {

using testing::Fleet;
using testing::FleetOptions;
using testing::Told;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr size_t kClients = 8;

int kills_wanted() {
  const char* wanted = std::getenv("KERF_KILLS");
  return wanted == nullptr ? 3 : std::atoi(wanted);
}

// Greedy and sampled, short and long, with penalties, which know the whole history.
std::vector<Request> some_requests() {
  std::mt19937_64 rng(42);
  std::vector<Request> requests(24);
  for (size_t i = 0; i < requests.size(); ++i) {
    Request& request = requests[i];
    for (uint64_t n = 4 + rng() % 60; n > 0; --n) request.prompt_ids.push_back(static_cast<int32_t>(rng() % 2000));
    SamplingParams& params = request.params;
    params.temperature = i % 3 == 0 ? 0 : 0.7 + 0.1 * static_cast<double>(i % 5);
    params.top_p = i % 4 == 0 ? 0.9 : 1;
    params.repetition_penalty = i % 5 == 0 ? 1.1 : 1;
    params.frequency_penalty = i % 7 == 0 ? 0.5 : 0;
    params.seed = rng();
    params.max_tokens = 20 + static_cast<int64_t>(rng() % 300);
    params.ignore_eos = i % 2 == 0;
  }
  return requests;
}

// What an undisturbed replica of one rank answers.
const std::vector<std::vector<int32_t>>& undisturbed() {
  static const auto answers = [] {
    Fleet fleet({.max_num_seqs = 4});
    std::vector<std::shared_ptr<Told>> all;
    for (const Request& request : some_requests()) all.push_back(fleet.submit(request));
    EXPECT_TRUE(
        fleet.run_until([&] { return std::ranges::all_of(all, [](const auto& told) { return told->ends > 0; }); }));
    std::vector<std::vector<int32_t>> ids;
    for (const auto& told : all) ids.push_back(told->ids);
    return ids;
  }();
  return answers;
}

// Clients that send requests one after the other, and compare.
class Load {
 public:
  explicit Load(Fleet& fleet) : fleet_(fleet), requests_(some_requests()) {}

  void keep_going() {
    while (running_.size() < kClients) {
      const size_t which = next_++ % requests_.size();
      running_.emplace_back(which, fleet_.submit(requests_[which]));
    }
    std::erase_if(running_, [&](const auto& client) {
      const auto& [which, told] = client;
      if (told->ends == 0) return false;
      ++finished_;
      EXPECT_FALSE(told->refusal) << told->refusal->message;
      EXPECT_EQ(told->ids, undisturbed()[which]) << "request " << which;
      return true;
    });
  }

  [[nodiscard]] size_t finished() const { return finished_; }
  [[nodiscard]] bool idle() const {
    return std::ranges::all_of(running_, [](const auto& client) { return client.second->ends > 0; });
  }

 private:
  Fleet& fleet_;
  std::vector<Request> requests_;
  std::vector<std::pair<size_t, std::shared_ptr<Told>>> running_;
  size_t next_ = 0;
  size_t finished_ = 0;
};

class KillTest : public ::testing::TestWithParam<FleetOptions> {};

TEST_P(KillTest, EveryStreamGoesOnAsIfNothingHadHappened) {
  ASSERT_FALSE(undisturbed().empty());
  const FleetOptions options = GetParam();
  Fleet fleet(options);
  ASSERT_TRUE(fleet.run_until_ready());
  Load load(fleet);
  std::mt19937_64 rng(std::random_device{}());
  std::vector<double> noticed_ms;
  int hangs = 0;
  for (int kill_number = 0; kill_number < kills_wanted(); ++kill_number) {
    // Some requests are done between any two kills, or else nobody would be sure to make progress.
    const size_t before = load.finished();
    const auto until = Clock::now() + std::chrono::milliseconds(rng() % 400);
    ASSERT_TRUE(fleet.run_until([&] {
      load.keep_going();
      return Clock::now() >= until && load.finished() > before;
    })) << "no request was finished";
    const auto replicas = fleet.dispatcher.replicas();
    const ReplicaView& victim = replicas[rng() % replicas.size()];
    if (victim.state != ReplicaState::kReady) continue;
    const bool hang = kill_number % 8 == 7 || kill_number + 1 == kills_wanted();
    hangs += hang ? 1 : 0;
    const auto now = Clock::now();
    kill(victim.facts.pids[rng() % victim.facts.pids.size()], hang ? SIGSTOP : SIGKILL);
    ASSERT_TRUE(fleet.run_until([&] {
      load.keep_going();
      return fleet.dispatcher.replicas()[victim.index].restarts > victim.restarts ||
             fleet.dispatcher.replicas()[victim.index].state == ReplicaState::kDown;
    })) << "nobody noticed";
    if (!hang) noticed_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - now).count());
  }
  ASSERT_TRUE(fleet.run_until([&] { return load.idle(); }));
  load.keep_going();
  std::ranges::sort(noticed_ms);
  fmt::print(
      "{} kills, {} hangs; {} requests right; a death was noticed after {:.1f} ms at the median, {:.1f} at most\n",
      noticed_ms.size(), hangs, load.finished(), noticed_ms[noticed_ms.size() / 2], noticed_ms.back());
  if (HasFailure()) {
    for (const std::string& line : fleet.log) fmt::print("{}\n", line);
  }
}

INSTANTIATE_TEST_SUITE_P(Cuts, KillTest,
                         ::testing::Values(FleetOptions{}, FleetOptions{.tp = 2}, FleetOptions{.pp = 2},
                                           FleetOptions{.replicas = 2}),
                         [](const auto& cut) {
                           return fmt::format("tp{}pp{}dp{}", cut.param.tp, cut.param.pp, cut.param.replicas);
                         });

}  // namespace
}  // namespace kerf
