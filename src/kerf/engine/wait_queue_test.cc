#include "kerf/engine/wait_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace kerf {
namespace {

using ::testing::ElementsAre;

struct Arrivals {
  std::deque<Waiting> all;
  WaitQueue queue;

  Waiting& add(uint64_t tenant, int priority = 0, int64_t tokens = 1) {
    Waiting& w = all.emplace_back();
    w.request.id = w.arrival = static_cast<int64_t>(all.size());
    w.request.tenant = tenant;
    w.request.priority = priority;
    queue.push(w, tokens);
    return w;
  }
  RequestId take() {
    const RequestId id = queue.next()->request.id;
    queue.take_next();
    return id;
  }
  std::vector<RequestId> take(int count) {
    std::vector<RequestId> ids;
    for (int i = 0; i < count; ++i) ids.push_back(take());
    return ids;
  }
};

TEST(WaitQueue, OneTenantIsServedInOrderOfArrival) {
  Arrivals a;
  for (int i = 0; i < 20; ++i) a.add(1);
  for (RequestId id = 1; id <= 20; ++id) EXPECT_EQ(a.take(), id);
  EXPECT_EQ(a.queue.next(), nullptr);
}

TEST(WaitQueue, APreemptedRequestComesBackToItsPlace) {
  Arrivals a;
  for (int i = 0; i < 3; ++i) a.add(1);
  EXPECT_EQ(a.take(), 1);
  a.queue.push(a.all[0], 1);
  EXPECT_THAT(a.take(3), ElementsAre(1, 2, 3));
}

TEST(WaitQueue, TheTenantThatWasServedLeastIsNext) {
  Arrivals a;
  for (int i = 0; i < 4; ++i) a.add(1);
  for (int i = 0; i < 2; ++i) a.add(2);
  EXPECT_EQ(a.take(), 1) << "the first among equals";
  a.queue.charge(1, 100);
  EXPECT_EQ(a.take(), 5);
  a.queue.charge(2, 40);
  EXPECT_EQ(a.take(), 6);
  a.queue.charge(2, 70);
  EXPECT_THAT(a.take(3), ElementsAre(2, 3, 4));
}

TEST(WaitQueue, IdlingSavesNothingUp) {
  Arrivals a;
  a.add(1);
  a.add(2);
  (void)a.take(2);
  a.queue.charge(1, 1000);               // while tenant 2 had nothing to compute
  a.add(1);                              // 3
  for (int i = 0; i < 3; ++i) a.add(2);  // 4, 5, 6
  EXPECT_EQ(a.take(), 3) << "tenant 2 starts at tenant 1's counter, not 1000 behind it";
}

TEST(WaitQueue, TwoTenantsWithEqualRequestsShareEqually) {
  Arrivals a;
  for (int i = 0; i < 100; ++i) a.add(1);  // a flood first
  for (int i = 0; i < 30; ++i) a.add(2);
  int second = 0;
  for (int i = 0; i < 40; ++i) {
    const uint64_t tenant = a.all[static_cast<size_t>(a.take() - 1)].request.tenant;
    a.queue.charge(tenant, 50);
    second += tenant == 2 ? 1 : 0;
  }
  EXPECT_GE(second, 16);  // half, but for the turns of age, which are all tenant 1's
  EXPECT_LE(second, 20);
}

TEST(WaitQueue, LowerPriorityNumbersGoFirstWhateverTheirTenantHasHad) {
  Arrivals a;
  a.add(1, 5);
  a.add(1, 0);
  a.add(2, -3);
  a.queue.charge(2, 1000);
  EXPECT_THAT(a.take(3), ElementsAre(3, 2, 1));
}

TEST(WaitQueue, EveryEighthTurnIsTheOldestRequests) {
  Arrivals a;
  Waiting& low = a.add(1, 9);
  Waiting& later = a.add(1, 9);
  for (int i = 0; i < 100; ++i) a.add(2, 0);
  for (int i = 0; i < 7; ++i) EXPECT_GT(a.take(), 2);
  EXPECT_EQ(a.take(), low.request.id);
  EXPECT_TRUE(low.aged) << "so that it is not preempted for those that it waited for";
  for (int i = 0; i < 7; ++i) EXPECT_GT(a.take(), 2);
  EXPECT_EQ(a.take(), later.request.id);
}

TEST(WaitQueue, ATurnThatFallsToTheOldestAnywayAgesNobody) {
  Arrivals a;
  for (int i = 0; i < 16; ++i) a.add(1);
  (void)a.take(16);
  for (const Waiting& w : a.all) EXPECT_FALSE(w.aged);
}

TEST(WaitQueue, WhoLeavesIsForgotten) {
  Arrivals a;
  Waiting& first = a.add(1, 0, 10);
  a.add(2, 0, 5);
  EXPECT_EQ(a.queue.tokens(), 15);
  a.queue.erase(first);
  EXPECT_EQ(a.queue.size(), 1);
  EXPECT_EQ(a.queue.tokens(), 5);
  EXPECT_EQ(a.take(), 2);
}

TEST(WaitQueue, WhoeverNamesNewTenantsDoesNotFillTheMemory) {
  Arrivals a;
  const Waiting& heavy = a.add(1);
  a.add(1);
  a.queue.charge(1, 1'000'000);
  for (uint64_t tenant = 2; tenant < 20'000; ++tenant) {
    a.add(tenant);
    a.queue.erase(a.all.back());
    a.queue.charge(tenant, 10);
    EXPECT_LT(a.queue.num_tenants(), 5000U);
  }
  const Waiting& light = a.add(2);
  a.queue.charge(1, 1);
  EXPECT_EQ(a.take(), light.request.id) << "what was computed for those that wait is remembered";
  EXPECT_EQ(a.take(), heavy.request.id);
}

}  // namespace
}  // namespace kerf
