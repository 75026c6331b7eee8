// The API over answers that are known beforehand, for clients of other makes: prints its port, serves until its
// standard input ends.
//
// An answer is the last 40 tokens of the prompt, one every millisecond; with ignore_eos over and over, until
// max_tokens.
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "kerf/serve/http/server.h"
#include "kerf/serve/openai/test_support.h"

namespace {

using kerf::Request;
using kerf::testing::kEnd;

std::vector<int32_t> script(const Request& request) {
  const auto& prompt = request.prompt_ids;
  std::vector<int32_t> answer(prompt.end() - static_cast<std::ptrdiff_t>(std::min<size_t>(prompt.size(), 40)),
                              prompt.end());
  if (request.params.grammar == "json") answer = {'{', '"', 'a', '"', ':', ' ', '1', '}'};
  answer.push_back(kEnd);
  if (!request.params.ignore_eos) return answer;
  std::vector<int32_t> repeated;
  while (static_cast<int64_t>(repeated.size()) < request.params.max_tokens) {
    repeated.insert(repeated.end(), answer.begin(), answer.end() - 1);
  }
  return repeated;
}

// Gives the generator's tokens out by the clock.
class Stepper {
 public:
  Stepper(boost::asio::io_context& loop, kerf::testing::FakeGenerator& generator)
      : timer_(loop), generator_(generator) {
    wait();
  }

 private:
  void wait() {
    timer_.expires_after(std::chrono::milliseconds(1));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      generator_.step();
      wait();
    });
  }
  boost::asio::steady_timer timer_;
  kerf::testing::FakeGenerator& generator_;
};

}  // namespace

int main() {
  boost::asio::io_context loop;
  auto model = kerf::testing::byte_model();
  model->tools = kerf::ToolFormat::kHermes;
  model->max_model_len = 1'000'000;
  kerf::testing::FakeGenerator generator(script, kEnd);
  kerf::ApiKeys keys({"test-key"});
  kerf::Router router(keys);
  const auto background = kerf::make_background(loop);
  kerf::OpenAiApi api(generator, *background, model, [] { return true; });
  api.add_routes(router);
  router.add("GET", "/test/open", kerf::Access::kOpen, [&](const std::shared_ptr<kerf::HttpExchange>& exchange) {
    exchange->respond({.content_type = "text/plain", .body = std::to_string(generator.num_open())});
  });
  auto server = kerf::HttpServer::listen(loop, {.port = 0}, router);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  std::printf("%d\n", int{(*server)->port()});
  std::fflush(stdout);
  const Stepper stepper(loop, generator);
  boost::asio::posix::stream_descriptor input(loop, dup(STDIN_FILENO));
  std::array<char, 64> ignored;
  input.async_read_some(boost::asio::buffer(ignored),
                        [&loop](const boost::system::error_code& /*error*/, size_t /*bytes*/) { loop.stop(); });
  loop.run();
  return 0;
}
