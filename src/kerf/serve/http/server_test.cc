// The server over loopback, with clients that are impatient, slow, greedy, or gone.
#include "kerf/serve/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "kerf/serve/http/raw_client_for_test.h"
#include "kerf/serve/http/router.h"

namespace kerf::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Exchange = std::shared_ptr<HttpExchange>;

// A server on a thread of its own. Its handlers run there; what tests read of them is atomic.
class LoopbackServer {
 public:
  explicit LoopbackServer(HttpServerConfig config = {}, std::vector<std::string> keys = {},
                          std::vector<std::string> origins = {})
      : keys_(std::move(keys)), router_(keys_, std::move(origins)) {
    add_routes();
    config.port = 0;
    config.on_served = [this](const HttpServerConfig::Served& served) {
      if (served.status == 499) ++broken_off;
      ++answered;
    };
    server_ = HttpServer::listen(loop_, std::move(config), router_).value();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~LoopbackServer() {
    on_loop([this] {
      held_.clear();
      server_.reset();
    });
    work_.reset();
    thread_.join();
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  [[nodiscard]] RawClient client(int receive_buffer = 0) const { return RawClient(server_->port(), receive_buffer); }
  [[nodiscard]] uint16_t port() const { return server_->port(); }

  // Runs it on the loop's thread, and waits.
  void on_loop(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(loop_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  void answer_held() {
    on_loop([this] {
      for (const Exchange& exchange : std::exchange(held_, {})) exchange->respond({.body = "late"});
    });
  }
  std::future<void> stop(double grace_s) {
    auto stopped = std::make_shared<std::promise<void>>();
    on_loop([&] { server_->stop(grace_s, [stopped] { stopped->set_value(); }); });
    return stopped->get_future();
  }
  size_t num_connections() {
    size_t count = 0;
    on_loop([&] { count = server_->num_connections(); });
    return count;
  }

  std::atomic<int> handled = 0;
  std::atomic<int> gone = 0;        // on_gone was called
  std::atomic<int> broken_off = 0;  // served with status 499
  std::atomic<int> answered = 0;

 private:
  void add_routes() {
    router_.add("GET", "/hello", Access::kOpen, [this](const Exchange& exchange) {
      ++handled;
      exchange->respond({.content_type = "text/plain", .body = "hello " + exchange->request().head.query});
    });
    router_.add("POST", "/echo", Access::kKey, [this](const Exchange& exchange) {
      ++handled;
      exchange->respond({.content_type = "text/plain", .body = exchange->request().body});
    });
    // Answered when the test says so.
    router_.add("GET", "/held", Access::kOpen, [this](const Exchange& exchange) {
      exchange->on_gone([this] { ++gone; });
      held_.push_back(exchange);
      ++handled;
    });
    router_.add("GET", "/dropped", Access::kOpen, [](const Exchange&) {});
    // A stream that does not end by itself.
    router_.add("GET", "/endless", Access::kOpen, [this](const Exchange& exchange) {
      exchange->on_gone([this] { ++gone; });
      exchange->begin_stream({.content_type = "text/event-stream", .body = "data: 1\n\n"});
      held_.push_back(exchange);
      ++handled;
    });
    router_.add("GET", "/stream", Access::kOpen, [](const Exchange& exchange) {
      exchange->begin_stream({.content_type = "text/event-stream", .body = "data: 1\n\n"});
      exchange->write("data: 2\n\n");
      exchange->end();
    });
    router_.add("GET", "/cut", Access::kOpen, [](const Exchange& exchange) {
      exchange->begin_stream({.content_type = "text/event-stream", .body = "data: 1\n\n"});
    });
    // As much as the client lets through.
    router_.add("GET", "/flood", Access::kOpen, [this](const Exchange& exchange) {
      auto open = std::make_shared<bool>(true);
      exchange->on_gone([this, open] {
        ++gone;
        *open = false;
      });
      exchange->begin_stream({.content_type = "text/event-stream"});
      flood(exchange, open);
    });
  }

  void flood(const Exchange& exchange, const std::shared_ptr<bool>& open) {
    if (!*open) return;
    exchange->write(std::string(4096, 'x'));
    boost::asio::post(loop_, [this, exchange, open] { flood(exchange, open); });
  }

  boost::asio::io_context loop_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ = boost::asio::make_work_guard(loop_);
  ApiKeys keys_;
  Router router_;
  std::vector<Exchange> held_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

// Waits until it is true; the deadline makes a failure of a hang.
template <typename Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::string post(std::string_view body, std::string_view headers = "") {
  return fmt::format("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{}\r\n{}", body.size(), headers, body);
}

constexpr const char* kHello = "GET /hello?1 HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr const char* kHeld = "GET /held HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr const char* kEndless = "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(HttpServer, KeepsAConnectionAlive) {
  LoopbackServer server;
  RawClient client = server.client();
  for (int i = 0; i < 3; ++i) {
    client.send(kHello);
    const std::string answer = client.read_answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(answer.ends_with("hello 1"));
  }
  client.send("GET /hello?2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.read_all().ends_with("hello 2"));
}

TEST(HttpServer, ClosesAfterAnAnswerToHttp10) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.read_all(), HasSubstr("Connection: close"));
  RawClient streaming = server.client();
  streaming.send("GET /stream HTTP/1.0\r\n\r\n");
  const std::string answer = streaming.read_all();
  EXPECT_TRUE(answer.ends_with("\r\n\r\ndata: 1\n\ndata: 2\n\n")) << answer;  // no chunks, which HTTP/1.0 has not
}

TEST(HttpServer, StreamsInChunks) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = client.read_until("0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_TRUE(answer.ends_with("9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n")) << answer;
  client.send(kHello);  // and the connection lives on
  EXPECT_TRUE(client.read_answer().ends_with("hello 1"));
}

TEST(HttpServer, AnswersRequestsSentAheadInOrder) {
  LoopbackServer server;
  RawClient client = server.client();
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += post(std::to_string(i));
  client.send(requests);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(client.read_answer().ends_with("\r\n\r\n" + std::to_string(i)));
}

TEST(HttpServer, ReadsAheadNoFurtherThanItAnswers) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send(std::string(kHeld) + kHello + kHello);
  ASSERT_TRUE(eventually([&] { return server.handled == 1; }));
  EXPECT_EQ(server.gone, 0);
  server.answer_held();
  EXPECT_TRUE(client.read_answer().ends_with("late"));
  EXPECT_TRUE(client.read_answer().ends_with("hello 1"));
  EXPECT_TRUE(client.read_answer().ends_with("hello 1"));
}

TEST(HttpServer, ReadsChunkedBodies) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: "
      "u\r\n\r\n");
  EXPECT_TRUE(client.read_answer().ends_with("\r\n\r\nabcde"));
}

TEST(HttpServer, SaysContinueToThoseWhoAsk) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_TRUE(client.read_answer().ends_with("\r\n\r\nabc"));

  RawClient refused = server.client();
  refused.send("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(refused.read_all(), StartsWith("HTTP/1.1 404"));
}

TEST(HttpServer, AnswersHeadWithoutABody) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 6"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST(HttpServer, KnowsItsPathsAndMethods) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string missing = client.read_answer();
  EXPECT_THAT(missing, StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(missing,
              HasSubstr(R"({"error":{"message":"There is no GET /nowhere here.","type":"invalid_request_error")"));
  client.send("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string wrong = client.read_answer();
  EXPECT_THAT(wrong, StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(wrong, HasSubstr("Allow: GET\r\n"));
}

TEST(HttpServer, LetsInWhoHasAKey) {
  LoopbackServer server({}, {"secret", "other"});
  RawClient client = server.client();
  client.send(post("x", "Authorization: Bearer other\r\n"));
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 200"));
  for (const char* header : {"", "Authorization: Bearer secre\r\n", "Authorization: Bearer secreT\r\n",
                             "Authorization: Bearer \r\n", "Authorization: Basic secret\r\n"}) {
    RawClient stranger = server.client();
    stranger.send(post("x", header));
    const std::string answer = stranger.read_all();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 401")) << header;
    EXPECT_THAT(answer, HasSubstr("invalid_api_key"));
  }
  client.send(kHello);  // open
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, LetsPagesReadOnlyWhereAllowed) {
  const std::string request = "GET /hello HTTP/1.1\r\nHost: x\r\nOrigin: http://a.example\r\n\r\n";
  const std::string preflight =
      "OPTIONS /echo HTTP/1.1\r\nHost: x\r\nOrigin: http://a.example\r\nAccess-Control-Request-Method: POST\r\n\r\n";
  LoopbackServer closed;
  RawClient client = closed.client();
  client.send(request + preflight);
  EXPECT_THAT(client.read_answer(), ::testing::Not(HasSubstr("Access-Control")));
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 405"));

  LoopbackServer open({}, {"key"}, {"http://a.example"});
  RawClient page = open.client();
  page.send(request + preflight);
  EXPECT_THAT(page.read_answer(), HasSubstr("Access-Control-Allow-Origin: http://a.example\r\n"));
  const std::string allowed = page.read_answer();
  EXPECT_THAT(allowed, StartsWith("HTTP/1.1 204"));
  EXPECT_THAT(allowed, HasSubstr("Access-Control-Allow-Methods: POST\r\n"));
  page.send("GET /hello HTTP/1.1\r\nHost: x\r\nOrigin: http://b.example\r\n\r\n");
  EXPECT_THAT(page.read_answer(), ::testing::Not(HasSubstr("Access-Control")));
}

TEST(HttpServer, RefusesLargeHeaders) {
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

TEST(HttpServer, RefusesLargeBodies) {
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

TEST(HttpServer, HasABoundOfAllBodies) {
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

TEST(HttpServer, RefusesWhatIsNotHttp) {
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

TEST(HttpServer, DropsSlowSenders) {
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

TEST(HttpServer, NoticesWhoLeavesBeforeTheAnswer) {
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

TEST(HttpServer, AnswersWhoOnlyClosesItsSendingHalf) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send(std::string(kHello) + kHello);
  client.half_close();
  EXPECT_TRUE(client.read_answer().ends_with("hello 1"));
  EXPECT_TRUE(client.read_answer().ends_with("hello 1"));
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, DropsWhoDoesNotReadAStream) {
  LoopbackServer server({.max_unread_bytes = 64 << 10});
  RawClient client = server.client(4096);
  client.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return server.gone == 1; }));
  EXPECT_TRUE(eventually([&] { return server.num_connections() == 0; }));
}

TEST(HttpServer, DropsWhoDoesNotReadAnAnswer) {
  LoopbackServer server({.max_body_bytes = 64 << 20, .write_timeout_s = 0.1});
  RawClient client = server.client(4096);
  client.send(post(std::string(32 << 20, 'x')));
  EXPECT_TRUE(eventually([&] { return server.broken_off + server.answered > 0; }));
  EXPECT_TRUE(eventually([&] { return server.num_connections() == 0; }));
}

TEST(HttpServer, AnswersForAHandlerThatDoesNot) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send("GET /dropped HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 500"));
  client.send("GET /cut HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_all(), ::testing::Not(HasSubstr("0\r\n\r\n")));  // not taken for whole
}

TEST(HttpServer, HasABoundOfConnections) {
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

TEST(HttpServer, OutlivesAWantOfFileDescriptors) {
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

TEST(HttpServer, CarriesAThousandStreams) {
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

TEST(HttpServer, FinishesWhatItAnswersWhenStopped) {
  LoopbackServer server;
  RawClient idle = server.client();
  idle.send(kHello);
  idle.read_answer();
  RawClient busy = server.client();
  busy.send(std::string(kHeld) + kHello);
  ASSERT_TRUE(eventually([&] { return server.handled == 2; }));
  std::future<void> stopped = server.stop(100);
  EXPECT_TRUE(idle.is_closed());
  EXPECT_FALSE(server.client().connected());
  server.answer_held();
  const std::string answer = busy.read_all();
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_TRUE(answer.ends_with("late")) << answer;  // and not the request after it
  busy.close();
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST(HttpServer, BreaksOffWhatOutlastsTheGrace) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send(kEndless);
  ASSERT_TRUE(eventually([&] { return server.handled == 1; }));
  std::future<void> stopped = server.stop(0.05);
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(server.gone, 1);
  EXPECT_THAT(client.read_all(), ::testing::Not(HasSubstr("0\r\n\r\n")));
}

TEST(HttpServer, SaysWhyItCannotListen) {
  LoopbackServer server;
  boost::asio::io_context loop;
  ApiKeys keys;
  Router router(keys);
  const auto taken = HttpServer::listen(loop, {.port = server.port()}, router);
  ASSERT_FALSE(taken.ok());
  EXPECT_THAT(taken.error().message, HasSubstr("Address already in use"));
  const auto nowhere = HttpServer::listen(loop, {.host = "no.such.host.invalid", .port = 0}, router);
  ASSERT_FALSE(nowhere.ok());
  EXPECT_THAT(nowhere.error().message, HasSubstr("no.such.host.invalid"));
}

}  // namespace
}  // namespace kerf::testing
