// The server over loopback: how it speaks HTTP, and how it stops.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kerf/serve/http/loopback_server_for_test.h"

namespace kerf::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

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
  // OpenAI's client adds headers of its own, and * does not stand for Authorization.
  EXPECT_THAT(allowed, HasSubstr("Access-Control-Allow-Headers: Authorization, *\r\n"));
  page.send("GET /hello HTTP/1.1\r\nHost: x\r\nOrigin: http://b.example\r\n\r\n");
  EXPECT_THAT(page.read_answer(), ::testing::Not(HasSubstr("Access-Control")));
}

TEST(HttpServer, AnswersForAHandlerThatDoesNot) {
  LoopbackServer server;
  RawClient client = server.client();
  client.send("GET /dropped HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 500"));
  client.send("GET /cut HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_all(), ::testing::Not(HasSubstr("0\r\n\r\n")));  // not taken for whole
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
