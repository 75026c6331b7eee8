// What the front adds to a token: from a generator's event to bytes for a client, and to the client over loopback.
#include <benchmark/benchmark.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <utility>

#include "kerf/serve/http/raw_client_for_test.h"
#include "kerf/serve/http/server.h"
#include "kerf/serve/openai/test_support.h"

namespace kerf::testing {
namespace {

constexpr int64_t kTokens = 900;

// "abc…" for ever; the streams that are measured are ended by max_tokens.
std::vector<int32_t> letters(const Request& request) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < request.params.max_tokens; ++i) ids.push_back(static_cast<int32_t>('a' + i % 26));
  return ids;
}

Json body(int64_t logprobs) {
  Json json = {{"messages", Json::array({{{"role", "user"}, {"content", "x"}}})},
               {"stream", true},
               {"max_tokens", kTokens},
               {"stop", {"!!"}}};
  if (logprobs > 0) json.update({{"logprobs", true}, {"top_logprobs", logprobs}});
  return json;
}

// Detokenising, stop strings, the event's JSON. Argument: alternatives of which log-probabilities are wanted.
void BM_EventOfAToken(benchmark::State& state) {
  ApiUnderTest api(letters);
  const Json request = body(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(api.ask("/v1/chat/completions", request)->streamed);
  state.SetItemsProcessed(state.iterations() * kTokens);
}
BENCHMARK(BM_EventOfAToken)->Arg(0)->Arg(5);

// The same, sent by the server and received by a client before the next token, on one thread: what a token costs both
// ends. Argument: connections beside it that wait.
void BM_TokenOverLoopback(benchmark::State& state) {
  ApiUnderTest api(letters);
  boost::asio::io_context loop;
  const auto server = HttpServer::listen(loop, {.port = 0}, api.router).value();
  const auto turn = [&] {
    loop.restart();
    loop.poll();
  };
  const std::string text = body(0).dump();
  const std::string request = fmt::format(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      text.size(), text);
  std::vector<RawClient> idle;
  for (int64_t i = 0; i < state.range(0); ++i) {
    idle.emplace_back(server->port());
    idle.back().send("GET /health HTTP/1.1\r\n");  // and no more: a request that does not come
    turn();
  }
  RawClient client(server->port());
  for (auto _ : state) {
    client.send(request);
    while (api.generator.num_open() == 0) turn();
    while (api.generator.num_open() > 0) {
      api.generator.step();
      turn();
      benchmark::DoNotOptimize(client.read_until("\n\n\r\n"));
    }
    client.read_until("0\r\n\r\n");
  }
  state.SetItemsProcessed(state.iterations() * kTokens);
}
BENCHMARK(BM_TokenOverLoopback)->Arg(0)->Arg(400);

}  // namespace
}  // namespace kerf::testing

BENCHMARK_MAIN();
