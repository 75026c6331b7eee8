// The half of Connection that reads.
#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>

#include "kerf/serve/http/connection.h"

namespace kerf {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

// Bytes of requests sent ahead that are taken from the socket while an answer is under way; more wait in the kernel.
constexpr size_t kReadAhead = size_t{64} << 10;
constexpr size_t kReadAheadAtOnce = 4096;  // most connections never send ahead: their buffers stay small

std::string_view plain(boost::beast::string_view text) { return {text.data(), text.size()}; }

HttpHead head_of(const http::request<http::string_body>& message) {
  HttpHead head;
  head.method = plain(message.method_string());
  std::string_view target = plain(message.target());
  if (target.starts_with("http://")) {  // RFC 9112, 3.2.2: absolute-form
    const size_t slash = target.find('/', 7);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  const size_t query = target.find('?');
  head.path = target.substr(0, query);
  if (query != std::string_view::npos) head.query = target.substr(query + 1);
  for (const auto& field : message) {
    head.headers.emplace_back(plain(field.name_string()), plain(field.value()));
  }
  return head;
}

}  // namespace

void Connection::await_request() {
  state_ = State::kIdle;
  parser_.reset();
  reserved_.reset();
  forget_buffers();
  if (owner_->draining() || owner_->service() == nullptr) return abort();
  if (input_.size() > 0) return read_head();
  if (input_ended_) return abort();
  set_deadline(owner_->config().idle_timeout_s);
  watch();
}

// An idle connection keeps nothing of a large request, or of a large answer.
void Connection::forget_buffers() {
  sending_.clear();
  sent_ = 0;
  sending_.shrink_to_fit();
  output_.shrink_to_fit();
  input_.shrink_to_fit();
}

void Connection::watch() {
  if (watching_) return;
  watching_ = true;
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](ErrorCode error) {
    self->watching_ = false;
    self->on_readable(error);
  });
}

void Connection::on_readable(ErrorCode error) {
  if (state_ == State::kClosed || error == asio::error::operation_aborted) return;
  if (error) return client_left();
  if (state_ == State::kIdle) return read_head();
  if (state_ == State::kAnswering) return read_ahead();
}

// Takes what the client has sent while its answer is under way.
void Connection::read_ahead() {
  while (input_.size() < kReadAhead) {
    ErrorCode error;
    const size_t bytes =
        socket_.read_some(input_.prepare(std::min(kReadAheadAtOnce, kReadAhead - input_.size())), error);
    if (error == asio::error::would_block || error == asio::error::try_again) return watch();
    if (error) {
      input_ended_ = true;
      if (!complete_ || error != asio::error::eof) client_left();
      return;
    }
    input_.commit(bytes);
  }
}

void Connection::read_head() {
  state_ = State::kReading;
  head_ = {};
  head_read_at_ = Clock::now();
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(owner_->config().max_header_bytes));
  parser_->body_limit(owner_->config().max_body_bytes);
  set_deadline(owner_->config().header_timeout_s);
  http::async_read_header(socket_, input_, *parser_,
                          [self = shared_from_this()](ErrorCode error, size_t /*bytes*/) { self->on_head(error); });
}

void Connection::on_head(ErrorCode error) {
  if (state_ != State::kReading) return;
  head_ = head_of(parser_->get());
  head_read_at_ = Clock::now();
  if (error) return refuse_unread(error);
  HttpService* service = owner_->service();
  if (service == nullptr) return abort();
  keep_alive_ = parser_->keep_alive();
  if (std::optional<HttpResponse> refusal = service->refusal(head_)) {
    keep_alive_ = keep_alive_ && parser_->is_done();  // else its body would be taken for a request
    return answer_directly(*std::move(refusal));
  }
  set_deadline(owner_->config().body_timeout_s);
  const std::string_view expected = head_.header("Expect");
  if (!expected.empty() && !same_word(expected, "100-continue")) {
    keep_alive_ = false;
    return answer_directly(error_response({.status = 417, .message = "Expect can only be 100-continue."}));
  }
  if (!reserve_body()) {
    keep_alive_ = false;
    return answer_directly(error_response({.status = 503,
                                           .message = "Too many large requests are under way; try again later.",
                                           .code = "service_unavailable",
                                           .retry_after_s = 1}));
  }
  if (!expected.empty() && !parser_->is_done() && input_.size() == 0) send("HTTP/1.1 100 Continue\r\n\r\n");
  read_body();
}

// A body of unknown length may become as long as one may be.
bool Connection::reserve_body() {
  if (parser_->is_done()) return true;
  const auto length = parser_->content_length();
  const size_t bytes = length ? static_cast<size_t>(*length) : owner_->config().max_body_bytes;
  reserved_ = owner_->reserve(bytes);
  return reserved_ != nullptr;
}

void Connection::read_body() {
  if (parser_->is_done()) return on_body({});
  http::async_read(socket_, input_, *parser_,
                   [self = shared_from_this()](ErrorCode error, size_t /*bytes*/) { self->on_body(error); });
}

void Connection::on_body(ErrorCode error) {
  if (state_ != State::kReading) return;
  if (error) return refuse_unread(error);
  answer({.head = head_, .body = std::move(parser_->get().body())});
}

// A request that could not be read: says why, where somebody may still listen.
void Connection::refuse_unread(ErrorCode error) {
  keep_alive_ = false;
  const HttpServerConfig& config = owner_->config();
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    const std::string message = fmt::format("The header is larger than {} bytes.", config.max_header_bytes);
    return answer_directly(error_response({.status = 431, .message = message}));
  }
  if (error == http::error::body_limit) {
    const std::string message = fmt::format("The body is larger than {} bytes.", config.max_body_bytes);
    return answer_directly(error_response({.status = 413, .message = message}));
  }
  const bool of_http = error.category() == make_error_code(http::error::end_of_stream).category();
  if (!of_http || error == http::error::end_of_stream || error == http::error::partial_message) return abort();
  answer_directly(error_response({.status = 400, .message = "This is not an HTTP request: " + error.message() + "."}));
}

void Connection::on_deadline() {
  if (state_ == State::kReading && !in_send_) {
    keep_alive_ = false;
    ErrorCode ignored;
    socket_.cancel(ignored);  // the read under way
    return answer_directly(error_response({.status = 408, .message = "The request did not come in time."}));
  }
  if (state_ == State::kAnswering) return client_left();
  abort();
}

// Reads and forgets until the client closes: closing with unread bytes would reset the connection, and
// the client might never see its answer.
void Connection::discard() {
  input_.consume(input_.size());
  socket_.async_read_some(input_.prepare(kReadAhead), [self = shared_from_this()](ErrorCode error, size_t /*bytes*/) {
    if (self->state_ != State::kLingering) return;
    if (error) return self->abort();
    self->discard();
  });
}

}  // namespace kerf
