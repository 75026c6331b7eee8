// Bytes that a client sends to the server before it closes its sending half, in two pieces. The server answers or
// closes; it neither crashes nor keeps the connection.
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "kerf/base/check.h"
#include "kerf/serve/http/raw_client_for_test.h"
#include "kerf/serve/http/router.h"
#include "kerf/serve/http/server.h"

namespace {

using Exchange = std::shared_ptr<kerf::HttpExchange>;

struct Server {
  Server() {
    router.add("POST", "/echo", kerf::Access::kOpen,
               [](const Exchange& exchange) { exchange->respond({.body = exchange->request().body}); });
    router.add("GET", "/stream", kerf::Access::kOpen, [](const Exchange& exchange) {
      exchange->begin_stream({.body = "data: 1\n\n"});
      exchange->write("data: 2\n\n");
      exchange->end();
    });
    server =
        kerf::HttpServer::listen(loop, {.port = 0, .max_header_bytes = 512, .max_body_bytes = 512}, router).value();
  }

  // Lets it do what it can do now.
  void turn() {
    loop.restart();
    loop.poll();
  }

  boost::asio::io_context loop;
  kerf::ApiKeys keys;
  kerf::Router router{keys};
  std::unique_ptr<kerf::HttpServer> server;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* server = new Server();
  const std::string_view input(reinterpret_cast<const char*>(data), std::min<size_t>(size, 16384));
  int ends[2];
  KERF_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets are left");
  server->server->adopt(ends[0]);
  kerf::testing::RawClient client(kerf::testing::RawClient::Connected{ends[1]});
  const size_t half = input.empty() ? 0 : data[0] % (input.size() + 1);
  client.send(input.substr(0, half));
  server->turn();
  client.send(input.substr(half));
  client.half_close();
  for (int turn = 0; turn < 1000 && (turn < 2 || server->server->num_connections() > 0); ++turn) server->turn();
  KERF_CHECK(server->server->num_connections() == 0, "a connection outlives its client");
  return 0;
}
