#include "kerf/comm/shm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>

#include "kerf/comm/self.h"
#include "tests/support/collectives.h"
#include "tests/support/ranks.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

void all_reduce(Communicator& group, int64_t n = 8) {
  const ReductionTree tree(even_bounds(group.size(), group.size()));
  std::vector<float> values(static_cast<size_t>(n), 1.0f);
  group.all_reduce_sum(ConstTensor(values.data(), {1, n}), Tensor(values.data(), {n}), tree);
}

TEST(Self, DoesEveryCollective) {
  const auto group = make_self();
  EXPECT_EQ(group->size(), 1);
  testing::check_everything(*group);
}

TEST(Self, FailsOnceAborted) {
  const auto group = make_self();
  group->abort("enough");
  EXPECT_THAT([&] { all_reduce(*group); }, ThrowsMessage<CommError>("enough"));
}

class ThreadGroup : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Sizes, ThreadGroup, ::testing::Values(1, 2, 3, 4, 5, 6, 7, 8));

TEST_P(ThreadGroup, DoesEveryCollective) {
  testing::run_ranks(make_thread_group(GetParam()), [](Communicator& group) { testing::check_everything(group); });
}

TEST(ThreadGroup, CountsCallsAndBytes) {
  const auto group = make_thread_group(2);
  testing::run_ranks(group, [](Communicator& comm) {
    for (int i = 0; i < 3; ++i) all_reduce(comm, 100);
    std::array<int32_t, 5> words{};
    if (comm.rank() == 0) comm.send(ConstTensor(words.data(), {5}), 1);
    if (comm.rank() == 1) comm.recv(Tensor(words.data(), {5}), 0);
  });
  EXPECT_EQ(group[0]->stats()[CommOp::kAllReduce].calls, 3);
  EXPECT_EQ(group[0]->stats()[CommOp::kAllReduce].bytes, 1200);
  EXPECT_GT(group[0]->stats()[CommOp::kAllReduce].seconds, 0);
  EXPECT_EQ(group[0]->stats()[CommOp::kSend].bytes, 20);
  EXPECT_EQ(group[0]->stats()[CommOp::kRecv].calls, 0);
  EXPECT_EQ(group[1]->stats()[CommOp::kRecv].calls, 1);
}

TEST(ThreadGroup, TwoRanksSumLargeNodesWhereTheyLie) {
  const auto group = make_thread_group(2);
  testing::run_ranks(group, [](Communicator& comm) {
    const ReductionTree tree(even_bounds(2, 2));
    constexpr int64_t kElements = 1 << 20;
    ASSERT_NE(comm.node_memory(kElements, tree), nullptr);
    EXPECT_EQ(comm.node_memory(8, tree), nullptr) << "a copy is faster";
    // Nobody waits for a reader: what is written for the next sum must not reach one who still reads this one.
    for (int turn = 0; turn < 20; ++turn) {
      std::fill_n(comm.node_memory(kElements, tree), kElements, static_cast<float>(turn + comm.rank()));
      comm.publish_nodes(kElements, tree);
      std::vector<float> sum(kElements);
      comm.sum_published(0, tree, Tensor(sum.data(), {kElements}));
      EXPECT_EQ(std::count(sum.begin(), sum.end(), static_cast<float>(2 * turn + 1)), kElements);
    }
  });
  EXPECT_EQ(group[0]->stats()[CommOp::kAllReduce].calls, 20);
}

TEST(ThreadGroup, SeveralMessagesAreInFlightBeforeTheFirstIsReceived) {
  const auto group = make_thread_group(2);
  const std::vector<float> message(100'000, 3.0f);
  for (int i = 0; i < 4; ++i) group[0]->send(ConstTensor(message.data(), {100'000}), 1);  // nobody receives yet
  std::vector<float> received(100'000);
  for (int i = 0; i < 4; ++i) group[1]->recv(Tensor(received.data(), {100'000}), 0);
  EXPECT_EQ(received, message);
}

TEST(ThreadGroup, ADeadlineEndsTheWaitForAPeerThatNeverComes) {
  const auto group = make_thread_group(3, milliseconds(50));
  EXPECT_THAT([&] { all_reduce(*group[1]); }, ThrowsMessage<CommError>("rank 1 waited 0.05 s for rank 0 in vain"));
  EXPECT_THAT([&] { all_reduce(*group[0]); }, ThrowsMessage<CommError>(HasSubstr("in vain"))) << "comes too late";
}

TEST(ThreadGroup, AnAbortWakesEveryWait) {
  const auto group = make_thread_group(4);
  std::array<float, 4> values{};
  const std::array<std::function<void(Communicator&)>, 3> waits = {
      [](Communicator& comm) { all_reduce(comm); },
      [&](Communicator& comm) { comm.recv(Tensor(values.data(), {4}), 3); },
      [&](Communicator& comm) { comm.broadcast(Tensor(values.data(), {4}), 3); },
  };
  const auto start = steady_clock::now();
  testing::run_ranks(group, [&](Communicator& comm) {
    if (comm.rank() == 3) {
      std::this_thread::sleep_for(milliseconds(20));
      comm.abort("rank 3 had enough");
      comm.abort("and says so twice");
      return;
    }
    EXPECT_THAT([&] { waits[static_cast<size_t>(comm.rank())](comm); }, ThrowsMessage<CommError>("rank 3 had enough"));
    EXPECT_THAT([&] { all_reduce(comm); }, ThrowsMessage<CommError>("rank 3 had enough")) << "later calls fail, too";
  });
  EXPECT_LT(steady_clock::now() - start, milliseconds(10'000)) << "nobody waited for the deadline";
}

// Forks `size` ranks that share memory, as MpiWorld arranges it, and returns their exit statuses.
std::vector<int> run_processes(int size, milliseconds deadline, const std::function<int(Communicator&)>& body) {
  const auto memory = std::make_shared<SharedMemory>(shm_bytes(size));
  const SharedMemory pids(4096);  // written by the parent, read by the ranks once complete
  auto* pid = reinterpret_cast<std::atomic<int>*>(pids.data());
  for (int r = 0; r < size; ++r) {
    const int child = fork();
    if (child != 0) {
      pid[r] = child;
      continue;
    }
    std::vector<std::string> names;
    std::vector<ProcessWatch> watches;
    for (int peer = 0; peer < size; ++peer) {
      while (pid[peer] == 0) usleep(100);
      names.push_back("rank " + std::to_string(peer));
      watches.emplace_back(pid[peer]);
    }
    // Another mapping than the parent's, to be sure that no address is shared.
    auto own = std::make_shared<SharedMemory>(getppid(), memory->fd(), shm_bytes(size));
    const auto group = make_shm(
        r, {.memory = own, .names = names, .watches = std::move(watches), .spin = size <= 2, .deadline = deadline});
    _exit(body(*group));
  }
  std::vector<int> statuses;
  for (int r = 0; r < size; ++r) {
    int status = 0;
    waitpid(pid[r], &status, 0);
    statuses.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  return statuses;
}

TEST(ShmProcesses, DoEveryCollective) {
  for (const int size : {2, 3, 8}) {
    const auto statuses = run_processes(size, milliseconds(60'000), [](Communicator& group) {
      testing::check_everything(group);
      return ::testing::Test::HasFailure() || group.kind() != "shm" ? 1 : 0;
    });
    EXPECT_EQ(statuses, std::vector<int>(static_cast<size_t>(size), 0));
  }
}

// The peer dies before it is reaped, as under mpirun; only its pidfd tells.
TEST(ShmProcesses, NoticeAKilledPeerLongBeforeTheDeadline) {
  const auto statuses = run_processes(3, milliseconds(60'000), [](Communicator& group) {
    all_reduce(group);
    if (group.rank() == 1) raise(SIGKILL);
    const auto start = steady_clock::now();
    try {
      all_reduce(group);
      return 1;
    } catch (const CommError& error) {
      if (std::string_view(error.what()) != "rank 1 died") return 2;
    }
    return steady_clock::now() - start < milliseconds(10'000) ? 0 : 3;
  });
  EXPECT_EQ(statuses, (std::vector<int>{0, 128 + SIGKILL, 0}));
}

TEST(ShmProcesses, WhatAPeerSentBeforeItLeftIsStillReceived) {
  const auto statuses = run_processes(2, milliseconds(60'000), [](Communicator& group) {
    int32_t word = group.rank() == 0 ? 42 : 0;
    if (group.rank() == 0) {
      group.send(ConstTensor(&word, {1}), 1);
      return 0;
    }
    usleep(50'000);
    group.recv(Tensor(&word, {1}), 0);
    return word == 42 ? 0 : 1;
  });
  EXPECT_EQ(statuses, (std::vector<int>{0, 0}));
}

}  // namespace
}  // namespace kerf
