// The server before clients that are slow, greedy, or gone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "kerf/serve/http/loopback_server_for_test.h"

namespace kerf::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(HttpServerLimits, RefusesLargeHeaders) {
  LoopbackServer server({.max_header_bytes = 4096});
  RawClient large = server.client();
  large.send("GET /hello HTTP/1.1\r\nX: " + std::string(5000, 'x') + "\r\n\r\n");
  EXPECT_THAT(large.read_all(), StartsWith("HTTP/1.1 431"));
  RawClient bomb = server.client();
  bomb.send("GET /hello HTTP/1.1\r\n");
  for (int i = 0; i < 100'000 && bomb.send(fmt::format("X-{}: y\r\n", i)); ++i) {
  }
  EXPECT_EQ(server.handled, 0);
  EXPECT_TRUE(eventually([&] { return server.num_connections() == 0 || (bomb.close(), false); }));
}

TEST(HttpServerLimits, RefusesLargeBodies) {
  LoopbackServer server({.max_body_bytes = 1000});
  RawClient declared = server.client();
  declared.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
  const std::string block(1 << 20, 'x');
  for (int i = 0; i < 100 && declared.send(block); ++i) {  // 100 MB, whatever the server says
  }
  EXPECT_THAT(declared.read_all(), StartsWith("HTTP/1.1 413"));
  RawClient chunked = server.client();
  chunked.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 100 && chunked.send("64\r\n" + std::string(100, 'x') + "\r\n"); ++i) {
  }
  EXPECT_THAT(chunked.read_all(), StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(server.handled, 0);
  RawClient fits = server.client();
  fits.send(post(std::string(1000, 'x')));
  EXPECT_THAT(fits.read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServerLimits, HasABoundOfAllBodies) {
  LoopbackServer server({.max_body_bytes = 1000, .max_all_bodies_bytes = 1500});
  RawClient first = server.client();
  first.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(first.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  RawClient second = server.client();
  second.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_THAT(second.read_all(), StartsWith("HTTP/1.1 503"));
  first.send(std::string(1000, 'x'));
  EXPECT_THAT(first.read_answer(), StartsWith("HTTP/1.1 200"));
  RawClient third = server.client();
  third.send(post(std::string(1000, 'x')));
  EXPECT_THAT(third.read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServerLimits, CountsABodyAsLongAsItsHandlerHoldsIt) {
  LoopbackServer server({.max_body_bytes = 1000, .max_all_bodies_bytes = 1500});
  const std::string body(1000, 'x');
  RawClient left = server.client();
  left.send(post(body, "", "/held"));
  ASSERT_TRUE(eventually([&] { return server.handled == 1; }));
  left.close();
  ASSERT_TRUE(eventually([&] { return server.gone == 1; }));
  RawClient refused = server.client();
  refused.send(post(body));
  EXPECT_THAT(refused.read_all(), StartsWith("HTTP/1.1 503"));
  server.answer_held();  // nobody reads it
  RawClient taken = server.client();
  taken.send(post(body));
  EXPECT_THAT(taken.read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServerLimits, RefusesWhatIsNotHttp) {
  LoopbackServer server;
  for (const char* text :
       {"\x16\x03\x01\x02\x01\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9\r\n\r\n",
        "GET /hello HTTP/1.1\r\nno colon\r\n\r\n", "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    RawClient client = server.client();
    client.send(text);
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 400")) << text;
  }
  EXPECT_EQ(server.handled, 0);
}

TEST(HttpServerLimits, DropsSlowSenders) {
  LoopbackServer server({.header_timeout_s = 0.05, .body_timeout_s = 0.05, .idle_timeout_s = 0.05});
  RawClient silent = server.client();
  EXPECT_TRUE(silent.is_closed());
  RawClient slow_header = server.client();
  slow_header.send("GET /hello HTTP/1.1\r\nX: ");
  EXPECT_THAT(slow_header.read_all(), StartsWith("HTTP/1.1 408"));
  RawClient slow_body = server.client();
  slow_body.send("POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_THAT(slow_body.read_all(), StartsWith("HTTP/1.1 408"));
  RawClient dribbling = server.client();  // slowloris: a byte now and then moves no deadline
  dribbling.send("GET /hello HTTP/1.1\r\n");
  while (dribbling.send("X: y\r\n")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(eventually([&] { return server.num_connections() == 0; }));
  EXPECT_EQ(server.handled, 0);
}

TEST(HttpServerLimits, NoticesWhoLeavesBeforeTheAnswer) {
  LoopbackServer server;
  for (const char* request : {kHeld, kEndless}) {
    const int before = server.handled;
    RawClient client = server.client();
    client.send(request);
    ASSERT_TRUE(eventually([&] { return server.handled == before + 1; }));
    client.close();
    EXPECT_TRUE(eventually([&] { return server.gone == before + 1; })) << request;
  }
  RawClient half = server.client();
  half.send(kHeld);
  ASSERT_TRUE(eventually([&] { return server.handled == 3; }));
  half.half_close();
  EXPECT_TRUE(eventually([&] { return server.gone == 3; }));
  EXPECT_TRUE(eventually([&] { return server.broken_off == 3; }));
}

TEST(HttpServerLimits, AnswersWhoOnlyClosesItsSendingHalf) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send(std::string(kHello) + kHello);
  client.half_close();
  EXPECT_TRUE(client.read_answer().ends_with("hello 1"));
  EXPECT_TRUE(client.read_answer().ends_with("hello 1"));
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServerLimits, DropsWhoDoesNotReadAStream) {
  LoopbackServer server({.max_unread_bytes = 64 << 10});
  RawClient client = server.client(4096);
  client.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return server.gone == 1; }));
  EXPECT_TRUE(eventually([&] { return server.num_connections() == 0; }));
}

TEST(HttpServerLimits, DropsWhoDoesNotReadAnAnswer) {
  LoopbackServer server({.max_body_bytes = 64 << 20, .write_timeout_s = 0.1});
  RawClient client = server.client(4096);
  client.send(post(std::string(32 << 20, 'x')));
  EXPECT_TRUE(eventually([&] { return server.broken_off + server.answered > 0; }));
  EXPECT_TRUE(eventually([&] { return server.num_connections() == 0; }));
}

TEST(HttpServerLimits, HasABoundOfConnections) {
  LoopbackServer server({.max_connections = 2});
  RawClient first = server.client();
  RawClient second = server.client();
  ASSERT_TRUE(eventually([&] { return server.num_connections() == 2; }));
  RawClient third = server.client();
  third.send(kHello);
  const std::string answer = third.read_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1"));
  first.close();
  third.close();
  ASSERT_TRUE(eventually([&] { return server.num_connections() == 1; }));
  RawClient fourth = server.client();
  fourth.send(kHello);
  EXPECT_THAT(fourth.read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServerLimits, OutlivesAWantOfFileDescriptors) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  LoopbackServer server;
  const int next = dup(0);
  const rlimit few{.rlim_cur = static_cast<rlim_t>(next + 6), .rlim_max = before.rlim_max};
  std::vector<RawClient> clients;
  setrlimit(RLIMIT_NOFILE, &few);
  for (int i = 0; i < 6; ++i) clients.push_back(server.client());  // 3 of them, and their other ends
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  clients.clear();
  setrlimit(RLIMIT_NOFILE, &before);
  close(next);
  RawClient client = server.client();
  client.send(kHello);
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServerLimits, CarriesAThousandStreams) {
  LoopbackServer server;
  std::vector<RawClient> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(server.client());
    ASSERT_TRUE(clients.back().connected()) << i;
    clients.back().send(kEndless);
  }
  ASSERT_TRUE(eventually([&] { return server.handled == 1000; }));
  RawClient active = server.client();
  active.send(kHello);
  EXPECT_TRUE(active.read_answer().ends_with("hello 1"));
  clients.clear();
  EXPECT_TRUE(eventually([&] { return server.gone == 1000; }));
}

}  // namespace
}  // namespace kerf::testing
