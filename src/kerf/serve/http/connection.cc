#include "kerf/serve/http/connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include "kerf/serve/http/response_head.h"

namespace kerf {

namespace asio = boost::asio;

Connection::Connection(std::shared_ptr<ConnectionOwner> owner, Socket socket)
    : owner_(std::move(owner)), socket_(std::move(socket)), timer_(socket_.get_executor()) {
  ErrorCode ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

void Connection::refuse(const ApiError& error) {
  head_read_at_ = Clock::now();
  keep_alive_ = false;
  answer_directly(error_response(error));
}

void Connection::drain() {
  keep_alive_ = false;
  if (state_ == State::kIdle) abort();
}

void Connection::abort() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  ErrorCode ignored;
  socket_.close(ignored);
  timer_.cancel(ignored);
  if (Exchange* left = std::exchange(exchange_, nullptr)) {
    left->stage_ = Exchange::Stage::kDone;
    if (left->gone_) asio::post(socket_.get_executor(), std::exchange(left->gone_, nullptr));
  }
  owner_->closed(*this);
}

void Connection::client_left() {
  if (state_ == State::kAnswering) {
    status_ = 499;
    tell_served();
  }
  abort();
}

void Connection::answer(HttpRequest request) {
  state_ = State::kAnswering;
  complete_ = false;
  status_ = 0;
  answer_bytes_ = 0;
  clear_deadline();
  const bool chunks = parser_->get().version() >= 11;
  parser_.reset();
  const auto exchange =
      std::make_shared<Exchange>(shared_from_this(), std::move(request), std::move(reserved_), chunks);
  exchange_ = exchange.get();
  if (HttpService* service = owner_->service()) service->handle(exchange);
  if (state_ == State::kAnswering) read_ahead();
}

// An answer that no handler gives.
void Connection::answer_directly(HttpResponse response) {
  state_ = State::kAnswering;
  complete_ = false;
  status_ = response.status;
  answer_bytes_ = 0;
  if (HttpService* service = owner_->service()) service->decorate(head_, response);
  std::string whole = response_head(response, Framing::kLength, keep_alive_);
  if (head_.method != "HEAD") whole += response.body;
  send(whole);
  complete();
}

// The handler has given all.
void Connection::complete() {
  exchange_ = nullptr;
  complete_ = true;
  if (!in_send_)
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      if (self->state_ == State::kAnswering && self->complete_ && !self->in_send_) self->answer_is_sent();
    });
}

void Connection::answer_is_sent() {
  tell_served();
  if (!keep_alive_ || owner_->draining()) return linger();
  await_request();
}

void Connection::tell_served() {
  const double seconds = std::chrono::duration<double>(Clock::now() - head_read_at_).count();
  const auto& on_served = owner_->config().on_served;
  if (on_served) on_served({.head = head_, .status = status_, .seconds = seconds, .bytes = answer_bytes_});
}

void Connection::linger() {
  state_ = State::kLingering;
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  if (input_ended_) return abort();
  set_deadline(owner_->config().linger_timeout_s);
  discard();
}

void Connection::send(std::string_view bytes) {
  if (state_ == State::kClosed || bytes.empty()) return;
  output_ += bytes;
  answer_bytes_ += bytes.size();
  if (!in_send_) flush();
}

void Connection::flush() {
  if (sent_ == sending_.size()) {
    sending_.clear();
    sending_.swap(output_);
    sent_ = 0;
  }
  in_send_ = true;
  if (state_ == State::kAnswering) set_deadline(owner_->config().write_timeout_s);
  socket_.async_write_some(asio::buffer(sending_.data() + sent_, sending_.size() - sent_),
                           [self = shared_from_this()](ErrorCode error, size_t bytes) { self->on_sent(error, bytes); });
}

void Connection::on_sent(ErrorCode error, size_t bytes) {
  in_send_ = false;
  if (state_ == State::kClosed) return;
  if (error) return client_left();
  sent_ += bytes;
  if (sent_ < sending_.size() || !output_.empty()) return flush();
  if (state_ != State::kAnswering) return;
  clear_deadline();
  if (complete_) answer_is_sent();
}

void Connection::set_deadline(double seconds) {
  deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  if (deadline_ < armed_for_) arm_timer();
}

// One timer for all deadlines: a later one is looked at when an earlier has passed, so that moving it costs nothing.
void Connection::arm_timer() {
  armed_for_ = deadline_;
  timer_.expires_at(deadline_);
  timer_.async_wait([self = shared_from_this()](ErrorCode error) {
    if (error || self->state_ == State::kClosed) return;
    self->armed_for_ = Clock::time_point::max();
    if (self->deadline_ == Clock::time_point::max()) return;
    if (Clock::now() < self->deadline_) return self->arm_timer();
    self->clear_deadline();
    self->on_deadline();
  });
}

}  // namespace kerf
