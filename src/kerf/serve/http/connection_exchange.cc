// Connection::Exchange: a handler's end of a connection.
#include <utility>

#include "kerf/serve/http/connection.h"
#include "kerf/serve/http/response_head.h"

namespace kerf {

Connection::Exchange::~Exchange() {
  if (stage_ == Stage::kStreaming) connection_->client_left();
  if (stage_ == Stage::kUnanswered) {
    gone_ = nullptr;
    respond(error_response({.status = 500, .message = "The request was dropped unanswered."}));
  }
}

void Connection::Exchange::done() {
  stage_ = Stage::kDone;
  gone_ = nullptr;
  connection_->complete();
}

void Connection::Exchange::respond(HttpResponse response) {
  if (stage_ != Stage::kUnanswered) return;
  if (HttpService* service = connection_->owner_->service()) service->decorate(request_.head, response);
  connection_->keep_alive_ = connection_->keep_alive_ && !connection_->owner_->draining();
  connection_->status_ = response.status;
  framed_ = response_head(response, Framing::kLength, connection_->keep_alive_);
  if (request_.head.method != "HEAD") framed_ += response.body;
  connection_->send(framed_);
  done();
}

void Connection::Exchange::begin_stream(HttpResponse head) {
  if (stage_ != Stage::kUnanswered) return;
  if (HttpService* service = connection_->owner_->service()) service->decorate(request_.head, head);
  connection_->keep_alive_ = connection_->keep_alive_ && chunks_ && !connection_->owner_->draining();
  connection_->status_ = head.status;
  stage_ = Stage::kStreaming;
  framed_ = response_head(head, chunks_ ? Framing::kChunked : Framing::kClose, connection_->keep_alive_);
  append(head.body);
  connection_->send(framed_);
}

void Connection::Exchange::append(std::string_view piece) {
  if (piece.empty() || request_.head.method == "HEAD") return;
  if (chunks_) {
    append_chunk(framed_, piece);
  } else {
    framed_ += piece;
  }
}

void Connection::Exchange::write(std::string_view piece) {
  if (stage_ != Stage::kStreaming) return;
  framed_.clear();
  append(piece);
  connection_->send(framed_);
  const size_t unread = connection_->output_.size() + connection_->sending_.size() - connection_->sent_;
  if (unread > connection_->owner_->config().max_unread_bytes) connection_->client_left();
}

void Connection::Exchange::end() {
  if (stage_ != Stage::kStreaming) return;
  if (chunks_ && request_.head.method != "HEAD") connection_->send(kLastChunk);
  done();
}

}  // namespace kerf
