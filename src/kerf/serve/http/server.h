// HttpServer: HTTP/1.1 (RFC 9112) for a front that lives for months among clients that it cannot trust.
//
// One event loop, one thread. Requests of one connection are answered one after the other, those that were sent
// ahead wait unread. Every wait for a client has a deadline, everything that a client can make grow has a bound:
//
//   its header        max_header_bytes, header_timeout_s        431, 408
//   its body          max_body_bytes, body_timeout_s            413, 408
//   all bodies        max_all_bodies_bytes                      503
//   an unread answer  max_unread_bytes, write_timeout_s         the connection is closed
//   its connections   max_connections, idle_timeout_s           503
//
// A client that closes its connection, or its sending half, before its answer is complete has left: the exchange's
// on_gone is called at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kerf/base/result.h"
#include "kerf/serve/http/exchange.h"

namespace boost::asio {
class io_context;
}

namespace kerf {

struct HttpServerConfig {
  std::string host = "127.0.0.1";  // or a name, or "0.0.0.0", "::"
  uint16_t port = 8000;            // 0: one that is free

  size_t max_connections = 4096;  // fewer where the limit of open files asks for it
  size_t max_header_bytes = size_t{32} << 10;
  size_t max_body_bytes = size_t{16} << 20;         // a million token ids of any vocabulary
  size_t max_all_bodies_bytes = size_t{256} << 20;  // of requests being read, or held by their handlers
  size_t max_unread_bytes = size_t{1} << 20;        // of a stream; the socket's own buffers come on top

  double header_timeout_s = 10;  // from the first byte of a request to the end of its header
  double body_timeout_s = 60;    // from there to the end of its body
  double idle_timeout_s = 75;    // without a request
  double write_timeout_s = 30;   // without the client reading a byte that waits for it
  double linger_timeout_s = 2;   // for the client to read the last answer

  // Told of every answer when it is complete, or broken off (status 499, as nginx has it).
  struct Served {
    const HttpHead& head;
    int status;
    double seconds;  // since the header was read
    uint64_t bytes;  // of the answer, header included
  };
  std::function<void(const Served&)> on_served;
};

class HttpServer {
 public:
  // Listens from here on. Fails in one sentence when it cannot. loop and service outlive the server.
  static Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& loop, HttpServerConfig config,
                                                    HttpService& service);
  // Every connection is closed. The loop may still call what was on its way, which does nothing.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] uint16_t port() const;
  [[nodiscard]] size_t num_connections() const;

  // Serves a connection that somebody else has accepted: any stream socket, which the server closes.
  void adopt(int socket);

  // Takes no connection and no request any more. Answers under way go on; whatever is left after
  // grace_s is broken off. Then, from the event loop, calls `stopped`.
  void stop(double grace_s, std::function<void()> stopped);

 private:
  class Listener;
  explicit HttpServer(std::shared_ptr<Listener> listener);
  std::shared_ptr<Listener> listener_;
};

}  // namespace kerf
