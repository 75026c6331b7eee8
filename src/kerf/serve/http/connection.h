// Connection: one client's socket, from the first request to the last answer. The server's own: handlers see
// HttpExchange.
//
//   idle ──first byte──▶ reading ──request──▶ answering ──answer is sent──▶ idle …
//                           └───────refused─────────┴──▶ lingering ──client has closed, or 2 s──▶ closed
//
// While it answers, it watches the socket: an end of file is a client that left, bytes are a request sent ahead, which
// is kept, unparsed, up to a bound.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>  // before asio: Boost 1.74 uses std::exchange without it

#include "kerf/serve/http/error_response.h"
#include "kerf/serve/http/exchange.h"
#include "kerf/serve/http/server.h"

namespace kerf {

// What a connection needs of the server; it may outlive it.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  [[nodiscard]] virtual const HttpServerConfig& config() const = 0;
  // nullptr once the server is gone.
  [[nodiscard]] virtual HttpService* service() = 0;
  // No request is taken any more.
  [[nodiscard]] virtual bool draining() const = 0;
  virtual void closed(class Connection& connection) = 0;
  // Of max_all_bodies_bytes, until it is let go of. nullptr when there are not so many left.
  [[nodiscard]] virtual std::shared_ptr<void> reserve(size_t bytes) = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  class Exchange;

  Connection(std::shared_ptr<ConnectionOwner> owner, Socket socket);

  // Waits for requests.
  void start() { await_request(); }
  // Answers the first request, whatever it is, and closes.
  void refuse(const ApiError& error);
  // Closes as soon as the answer under way is complete.
  void drain();
  // Closes now.
  void abort();

 private:
  using Clock = std::chrono::steady_clock;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using ErrorCode = boost::system::error_code;
  enum class State : uint8_t { kIdle, kReading, kAnswering, kLingering, kClosed };

  // Reading (connection_read.cc).
  void await_request();
  void forget_buffers();
  void read_head();
  void on_head(ErrorCode error);
  [[nodiscard]] bool reserve_body();
  void read_body();
  void on_body(ErrorCode error);
  void refuse_unread(ErrorCode error);
  void watch();
  void on_readable(ErrorCode error);
  void read_ahead();
  void discard();

  // Answering (connection.cc).
  void answer(HttpRequest request);
  void answer_directly(HttpResponse response);
  void send(std::string_view bytes);
  void flush();
  void on_sent(ErrorCode error, size_t bytes);
  void complete();
  void answer_is_sent();
  void linger();
  void client_left();
  void tell_served();

  void set_deadline(double seconds);
  void clear_deadline() { deadline_ = Clock::time_point::max(); }
  void arm_timer();
  void on_deadline();

  std::shared_ptr<ConnectionOwner> owner_;
  Socket socket_;
  State state_ = State::kIdle;
  boost::asio::steady_timer timer_;
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point armed_for_ = Clock::time_point::max();  // when timer_ will call

  boost::beast::flat_buffer input_;  // read from the socket, not yet parsed
  std::optional<Parser> parser_;     // while kReading
  bool watching_ = false;            // a wait for input is outstanding
  bool input_ended_ = false;         // the client has closed its sending half

  std::shared_ptr<void> reserved_;  // for the body that is being read; then the exchange's

  Exchange* exchange_ = nullptr;  // while kAnswering a handler's
  bool keep_alive_ = false;
  bool complete_ = false;  // nothing is added to the answer any more
  std::string output_;     // to be sent next
  std::string sending_;    // handed to the socket
  size_t sent_ = 0;        // bytes of sending_ that it took
  bool in_send_ = false;

  HttpHead head_;  // of the request that is being answered
  Clock::time_point head_read_at_;
  int status_ = 0;
  uint64_t answer_bytes_ = 0;
};

// What a handler holds of the connection while it answers one request.
class Connection::Exchange : public HttpExchange {
 public:
  Exchange(std::shared_ptr<Connection> connection, HttpRequest request, std::shared_ptr<void> reserved, bool chunks)
      : connection_(std::move(connection)),
        request_(std::move(request)),
        reserved_(std::move(reserved)),
        chunks_(chunks) {}
  ~Exchange() override;

  [[nodiscard]] const HttpRequest& request() const override { return request_; }
  void respond(HttpResponse response) override;
  void begin_stream(HttpResponse head) override;
  void write(std::string_view piece) override;
  void end() override;
  void on_gone(std::function<void()> gone) override { gone_ = std::move(gone); }

 private:
  friend class Connection;
  enum class Stage : uint8_t { kUnanswered, kStreaming, kDone };
  void done();
  void append(std::string_view piece);

  std::shared_ptr<Connection> connection_;
  HttpRequest request_;
  std::shared_ptr<void> reserved_;  // for request_'s body, which lives as long as the handler holds it
  bool chunks_;                     // HTTP/1.1
  Stage stage_ = Stage::kUnanswered;
  std::function<void()> gone_;
  std::string framed_;  // scratch
};

}  // namespace kerf
