#include "clients.h"

// clang-format off
#include <utility>  // first: Boost 1.74's awaitable.hpp forgets it
// clang-format on

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>

#include "answer.h"

namespace kerf::load {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Clock = std::chrono::steady_clock;

// One connection, kept alive between requests as long as the server lets it.
class Connection {
 public:
  Connection(asio::io_context& io, const Options& options, const asio::ip::tcp::resolver::results_type& address)
      : io_(io), options_(options), address_(address) {}

  // Throws std::exception: the connection failed, or the status was not 200.
  asio::awaitable<Answer> ask(const std::string& body, Clock::time_point start) {
    const bool reused = stream_.has_value();
    answering_ = false;
    try {
      co_return co_await try_to_ask(body, start);
    } catch (const boost::system::system_error&) {
      // A server may close a connection between two requests; whoever finds it closed asks again on a new one.
      if (!reused || answering_) throw;
    }
    close();
    co_return co_await try_to_ask(body, start);
  }

  void close() { stream_.reset(); }

  // Neither side has closed it.
  [[nodiscard]] bool is_open() {
    if (!stream_) return false;
    std::array<char, 1> byte;
    beast::error_code error;
    stream_->socket().non_blocking(true);
    stream_->socket().receive(asio::buffer(byte), asio::socket_base::message_peek, error);
    return error == asio::error::would_block;
  }

 private:
  asio::awaitable<Answer> try_to_ask(const std::string& body, Clock::time_point start) {
    if (!stream_) {
      stream_.emplace(io_);
      buffer_.clear();
      wait_at_most();
      co_await stream_->async_connect(address_, asio::use_awaitable);
      stream_->socket().set_option(asio::ip::tcp::no_delay(true));
    }
    http::request<http::string_body> request(http::verb::post, "/v1/completions", 11, body);
    request.set(http::field::host, options_.host);
    request.set(http::field::content_type, "application/json");
    if (!options_.api_key.empty()) request.set(http::field::authorization, "Bearer " + options_.api_key);
    request.prepare_payload();
    wait_at_most();
    co_await http::async_write(*stream_, request, asio::use_awaitable);
    co_return co_await read_answer(start);
  }

  void wait_at_most() {
    stream_->expires_after(
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.timeout_s)));
  }

  asio::awaitable<Answer> read_answer(Clock::time_point start) {
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(std::numeric_limits<uint64_t>::max());
    co_await http::async_read_header(*stream_, buffer_, parser, asio::use_awaitable);
    answering_ = true;
    const bool streamed = parser.get().result() == http::status::ok;
    Answer answer;
    std::string refusal;
    std::array<char, 16384> piece;
    while (!parser.is_done()) {
      parser.get().body() = {piece.data(), piece.size(), true};
      wait_at_most();
      beast::error_code error;
      co_await http::async_read_some(*stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
      if (error && error != http::error::need_buffer) throw beast::system_error(error);
      const std::string_view read(piece.data(), piece.size() - parser.get().body().size);
      const double now_s = std::chrono::duration<double>(Clock::now() - start).count();
      if (streamed) {
        answer.feed(read, now_s);
      } else {
        refusal += read;
      }
    }
    if (!parser.get().keep_alive()) close();
    if (!streamed) {
      throw std::runtime_error("HTTP " + std::to_string(parser.get().result_int()) + ": " + refusal.substr(0, 200));
    }
    co_return answer;
  }

  asio::io_context& io_;
  const Options& options_;
  const asio::ip::tcp::resolver::results_type& address_;
  std::optional<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
  bool answering_ = false;  // the head of an answer has come
};

struct Load {
  const Options& options;
  const std::vector<Work>& workload;
  Clock::time_point start = Clock::now();
  size_t next = 0;  // of the workload
  std::vector<Sample> samples = std::vector<Sample>(workload.size());
};

asio::awaitable<void> client(Connection connection, Load& load) {
  while (load.next < load.workload.size()) {
    const size_t i = load.next++;
    Sample& sample = load.samples[i];
    sample.input = load.workload[i].input;
    sample.start_s = std::chrono::duration<double>(Clock::now() - load.start).count();
    try {
      const Answer answer = co_await connection.ask(load.workload[i].body, load.start);
      sample.tokens = answer.tokens();
      sample.first_s = answer.first_s();
      sample.end_s = answer.last_s();
      sample.error = answer.error();
      if (sample.error.empty() && !answer.done()) sample.error = "the stream ended without [DONE]";
      if (sample.error.empty() && sample.tokens != load.workload[i].output) {
        sample.error = "answered another number of tokens than asked for";
      }
    } catch (const std::exception& error) {
      sample.error = error.what();
      connection.close();
    }
  }
}

// Connections that stay open after a streamed token.
struct Idle {
  const Options& options;
  const std::string body = one_token_body(options);
  std::vector<Connection> connections;
  size_t next = 0;  // to open
  std::string failure;
};

asio::awaitable<void> open_idle(Idle& idle) {
  while (idle.next < idle.connections.size() && idle.failure.empty()) {
    const size_t i = idle.next++;
    try {
      const Answer answer = co_await idle.connections[i].ask(idle.body, Clock::now());
      if (!answer.error().empty()) throw std::runtime_error(answer.error());
    } catch (const std::exception& error) {
      idle.failure = "idle connection " + std::to_string(i + 1) + ": " + error.what();
    }
  }
}

void open_idle_connections(asio::io_context& io, Idle& idle) {
  for (int64_t i = 0; i < idle.options.clients; ++i) asio::co_spawn(io, open_idle(idle), asio::detached);
  io.run();
  io.restart();
  if (!idle.failure.empty()) throw std::runtime_error(idle.failure);
}

void check_open(std::vector<Connection>& idle) {
  const auto closed = std::ranges::count_if(idle, [](Connection& connection) { return !connection.is_open(); });
  if (closed > 0) throw std::runtime_error(std::to_string(closed) + " idle connections were closed meanwhile");
}

}  // namespace

std::vector<Sample> run_clients(const Options& options, const std::vector<Work>& workload) {
  asio::io_context io(1);
  asio::ip::tcp::resolver::results_type address;
  try {
    address = asio::ip::tcp::resolver(io).resolve(options.host, options.port);
  } catch (const boost::system::system_error&) {
    throw std::runtime_error("there is no host " + options.host);
  }
  Idle idle{.options = options};
  for (int64_t i = 0; i < options.idle; ++i) idle.connections.emplace_back(io, options, address);
  open_idle_connections(io, idle);
  Load load{.options = options, .workload = workload};
  for (int64_t i = 0; i < options.clients; ++i) {
    asio::co_spawn(io, client(Connection(io, options, address), load), asio::detached);
  }
  io.run();
  check_open(idle.connections);
  return std::move(load.samples);
}

}  // namespace kerf::load
