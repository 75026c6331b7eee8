// HttpExchange: one request and the answer to it, while it is being given.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "kerf/serve/http/message.h"

namespace kerf {

// A handler answers either with respond(), or with begin_stream(), any number of write() and end(). It may do so
// later, from the event loop. An exchange that is let go of unanswered is answered by 500; a stream
// that is let go of before its end is cut off, so that the client sees that it is not whole.
//
// Once the client is gone nothing that is written matters: calls do nothing.
//
// Threading: the event loop's thread.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  [[nodiscard]] virtual const HttpRequest& request() const = 0;

  virtual void respond(HttpResponse response) = 0;

  // head.body is the first piece.
  virtual void begin_stream(HttpResponse head) = 0;
  virtual void write(std::string_view piece) = 0;
  virtual void end() = 0;

  // Called, from the event loop, when the client has left, or reads its answer too slowly, before the answer is
  // complete. Never after respond() or end(), and never from inside a function of the exchange.
  virtual void on_gone(std::function<void()> gone) = 0;

 protected:
  HttpExchange() = default;
};

// What the server does with requests.
class HttpService {
 public:
  virtual ~HttpService() = default;
  HttpService(const HttpService&) = delete;
  HttpService& operator=(const HttpService&) = delete;

  // Asked before a request's body is read: none lets it come; otherwise this is the answer.
  [[nodiscard]] virtual std::optional<HttpResponse> refusal(const HttpHead& head) const = 0;

  virtual void handle(const std::shared_ptr<HttpExchange>& exchange) = 0;

  // Adds what every answer to such a request carries.
  virtual void decorate(const HttpHead& head, HttpResponse& response) const = 0;

 protected:
  HttpService() = default;
};

}  // namespace kerf
