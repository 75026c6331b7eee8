// A server over loopback, with handlers that do all that handlers may.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "kerf/serve/http/raw_client_for_test.h"
#include "kerf/serve/http/router.h"
#include "kerf/serve/http/server.h"

namespace kerf::testing {

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
    for (const char* method : {"GET", "POST"}) {
      router_.add(method, "/held", Access::kOpen, [this](const Exchange& exchange) {
        exchange->on_gone([this] { ++gone; });
        held_.push_back(exchange);
        ++handled;
      });
    }
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

inline std::string post(std::string_view body, std::string_view headers = "", std::string_view path = "/echo") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{}\r\n{}", path, body.size(), headers, body);
}

inline constexpr const char* kHello = "GET /hello?1 HTTP/1.1\r\nHost: x\r\n\r\n";
inline constexpr const char* kHeld = "GET /held HTTP/1.1\r\nHost: x\r\n\r\n";
inline constexpr const char* kEndless = "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace kerf::testing
