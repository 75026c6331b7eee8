#include "kerf/serve/http/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unordered_set>
#include <utility>

#include "kerf/serve/http/connection.h"

namespace kerf {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// Connections above the limit that are told so; more are closed without a word.
constexpr size_t kRefusedAtOnce = 32;
// File descriptors that the rest of the process may need: sockets of replicas, files, pipes.
constexpr size_t kReservedFiles = 64;
// Before an accept() that failed, for want of file descriptors say, is tried again.
constexpr std::chrono::milliseconds kAcceptPause{50};

size_t connections_within_file_limit(size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  const size_t files = limit.rlim_cur;
  const size_t reserved = kReservedFiles + kRefusedAtOnce;
  return std::clamp<size_t>(files > reserved ? files - reserved : 1, 1, wanted);
}

Result<tcp::acceptor> bind(asio::io_context& loop, const HttpServerConfig& config) {
  const auto failed = [&config](const error_code& error) {
    return fail("cannot listen on {}:{}: {}; choose another --host or --port", config.host, config.port,
                error.message());
  };
  error_code error;
  tcp::resolver resolver(loop);
  const auto found = resolver.resolve(config.host, std::to_string(config.port), tcp::resolver::passive, error);
  if (error || found.empty())
    return fail("--host {}: {}; give an address of this machine", config.host, error.message());
  const tcp::endpoint endpoint = found.begin()->endpoint();
  tcp::acceptor acceptor(loop);
  if (acceptor.open(endpoint.protocol(), error)) return failed(error);
  if (acceptor.set_option(tcp::acceptor::reuse_address(true), error)) return failed(error);
  if (acceptor.bind(endpoint, error)) return failed(error);
  if (acceptor.listen(SOMAXCONN, error)) return failed(error);
  return acceptor;
}

}  // namespace

class HttpServer::Listener : public ConnectionOwner, public std::enable_shared_from_this<Listener> {
 public:
  Listener(tcp::acceptor acceptor, HttpServerConfig config, HttpService& service)
      : acceptor_(std::move(acceptor)),
        timer_(acceptor_.get_executor()),
        config_(std::move(config)),
        service_(&service) {
    config_.max_connections = connections_within_file_limit(config_.max_connections);
    error_code ignored;
    port_ = acceptor_.local_endpoint(ignored).port();
  }

  [[nodiscard]] const HttpServerConfig& config() const override { return config_; }
  [[nodiscard]] HttpService* service() override { return service_; }
  [[nodiscard]] bool draining() const override { return draining_; }
  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] size_t num_connections() const { return connections_.size(); }

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
      if (self->draining_ || error == asio::error::operation_aborted) return;
      if (error) return self->pause();
      self->take(std::move(socket));
      self->accept();
    });
  }

  void adopt(int file) {
    tcp::socket socket(acceptor_.get_executor());
    error_code error;
    socket.assign(tcp::v4(), file, error);
    if (error) {
      ::close(file);
    } else if (!draining_) {
      take(std::move(socket));
    }
  }

  void stop(double grace_s, std::function<void()> stopped) {
    draining_ = true;
    stopped_ = std::move(stopped);
    error_code ignored;
    acceptor_.close(ignored);
    for (const auto& connection : copy()) connection->drain();
    const auto grace = std::chrono::duration<double>(std::max(grace_s, 0.0));
    timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(grace));
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->abort_all();
    });
    tell_if_stopped();
  }

  void close() {
    draining_ = true;
    service_ = nullptr;
    stopped_ = nullptr;
    error_code ignored;
    acceptor_.close(ignored);
    timer_.cancel(ignored);
    abort_all();
    connections_.clear();  // the loop may end before it takes them off one by one
  }

  [[nodiscard]] std::shared_ptr<void> reserve(size_t bytes) override {
    if (bytes > config_.max_all_bodies_bytes - bodies_bytes_) return nullptr;
    bodies_bytes_ += bytes;
    return {this, [self = shared_from_this(), bytes](void*) { self->bodies_bytes_ -= bytes; }};
  }

  void closed(Connection& connection) override {
    // Not at once: the caller may be iterating, or be a function of the connection.
    asio::post(acceptor_.get_executor(), [self = shared_from_this(), connection = connection.shared_from_this()] {
      self->connections_.erase(connection);
      self->tell_if_stopped();
    });
  }

 private:
  [[nodiscard]] std::unordered_set<std::shared_ptr<Connection>> copy() const { return connections_; }

  void abort_all() {
    for (const auto& connection : copy()) connection->abort();
  }

  void take(tcp::socket socket) {
    const size_t others = connections_.size();
    if (others >= config_.max_connections + kRefusedAtOnce) return;  // closed by socket's end
    const auto connection = std::make_shared<Connection>(shared_from_this(), std::move(socket));
    connections_.insert(connection);
    if (others < config_.max_connections) return connection->start();
    connection->refuse({.status = 503,
                        .message = fmt::format("There are {} connections already; try again later.", others),
                        .code = "too_many_connections",
                        .retry_after_s = 1});
  }

  void pause() {
    timer_.expires_after(kAcceptPause);
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error && !self->draining_) self->accept();
    });
  }

  void tell_if_stopped() {
    if (!draining_ || !connections_.empty() || !stopped_) return;
    error_code ignored;
    timer_.cancel(ignored);
    asio::post(acceptor_.get_executor(), std::exchange(stopped_, nullptr));
  }

  tcp::acceptor acceptor_;
  asio::steady_timer timer_;  // of a pause, and of the grace
  HttpServerConfig config_;
  HttpService* service_;
  uint16_t port_ = 0;
  size_t bodies_bytes_ = 0;  // reserved
  bool draining_ = false;
  std::function<void()> stopped_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::io_context& loop, HttpServerConfig config,
                                                       HttpService& service) {
  KERF_TRY(tcp::acceptor acceptor, bind(loop, config));
  auto listener = std::make_shared<Listener>(std::move(acceptor), std::move(config), service);
  listener->accept();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener)));
}

HttpServer::HttpServer(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}
HttpServer::~HttpServer() { listener_->close(); }
uint16_t HttpServer::port() const { return listener_->port(); }
void HttpServer::adopt(int socket) { listener_->adopt(socket); }
size_t HttpServer::num_connections() const { return listener_->num_connections(); }
void HttpServer::stop(double grace_s, std::function<void()> stopped) { listener_->stop(grace_s, std::move(stopped)); }

}  // namespace kerf
