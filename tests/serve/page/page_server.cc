// page_server: serves the status page and what an Observer makes of a replica that works, on a port of loopback that it
// prints. GET /do/<word> changes the picture; the server ends with its stdin.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "kerf/serve/seeing/observer.h"
#include "kerf/serve/seeing/page.h"

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

const std::string kEvil = "<img src=x onerror=alert(1)>\"'&amp;</script><script>alert(2)</script>";

kerf::MachineSpec machine(const std::string& name) {
  return {.name = name,
          .device_kinds = {{.name = "cpu", .memory_bytes = 24e9, .memory_gb_per_s = 43.5}},
          .link_kinds = {{.name = "shm"}},
          .devices = {{.name = "numa0.0", .cpus = "0"}, {.name = "numa0.1", .cpus = "1"}},
          .links = {{.a = 0, .b = 1, .gb_per_s = 11.2, .latency_us = 0.7}},
          .node_names = {name},
          .host = {.cpu = "AMD EPYC 9655", .isa = "avx512", .cores = 2},
          .basis = kerf::Basis::kMeasured};
}

// A server with two replicas of two stages of two ranks, on a clock of its own.
class Scene {
 public:
  explicit Scene(bool evil)
      : observer_(
            {.metrics = {.model_name = "tales", .max_model_len = 4096, .replicas = 2},
             .facts = {.version = "0.1.0",
                       .model = evil ? kEvil : "kerf-tales-7m",
                       .dtype = "bfloat16",
                       .quantization = "int8",
                       .kv_cache_dtype = evil ? kEvil : "bfloat16",
                       .max_model_len = 4096,
                       .plan = {.tp = 2, .pp = 2, .dp = 2},
                       .why = evil ? kEvil
                                   : "tp 2 x pp 2: two ranks share a layer over shared memory (0.7 us a sum), two "
                                     "stages halve the weights of each.\nNext best: tp 4, 8 % slower, bound by "
                                     "its 64 sums a token.",
                       .machine = machine(evil ? kEvil : "devbox"),
                       .started_s = now_s_ - 7260,
                       .predicted_tokens_per_s = 410,
                       .predicted_ttft_ms = 84,
                       .predicted_tpot_ms = 21}}) {
    for (int replica : {0, 1}) {
      observer_.on_replica_state(replica, kerf::ReplicaState::kStarting, now_s_ - 7200);
      observer_.on_replica_state(replica, kerf::ReplicaState::kReady, now_s_ - 7190,
                                 {.pids = {4711, 4712, 4713, 4714}});
    }
    for (int second = 0; second < 60; ++second) advance();
  }

  void advance() {
    const int64_t load = 3 + step_ / 50 % 5;
    for (int64_t i = 0; i < load; ++i) {
      const kerf::RequestId id = next_id_++;
      const int replica = static_cast<int>(id % 2);
      observer_.on_queued(id, {.name = "cmpl", .prompt_tokens = 96, .max_tokens = 64}, now_s_);
      observer_.on_scheduled(id, replica, now_s_ + 0.002);
      observer_.on_tokens(id, 1, now_s_ + 0.09 + 0.004 * static_cast<double>(i), 48);
      observer_.on_tokens(id, 63, now_s_ + 1.4 + 0.05 * static_cast<double>(i));
      observer_.on_finished(id, kerf::FinishReason::kLength, 200, now_s_ + 1.5);
    }
    for (int replica : {0, 1}) {
      if (replica != down_) report(replica);
    }
    now_s_ += 1;
  }

  void down() {
    down_ = 1;
    observer_.on_replica_state(1, kerf::ReplicaState::kDown, now_s_,
                               {.why = "rank 2 (pid 4713) was killed by signal 9"});
  }
  void up() {
    observer_.on_replica_state(1, kerf::ReplicaState::kStarting, now_s_);
    observer_.on_replica_state(1, kerf::ReplicaState::kReady, now_s_ + 0.5, {.pids = {4811, 4812, 4813, 4814}});
    down_ = -1;
  }
  std::string status() { return observer_.status_json(now_s_); }
  std::string metrics() { return observer_.metrics_text(); }

 private:
  void report(int replica) {
    kerf::ReplicaReport& sums = sums_[static_cast<size_t>(replica)];
    sums.running = 6 - replica;
    sums.waiting = replica;
    sums.blocks_used = 300 + step_ % 90;
    sums.blocks_cached = 160;
    sums.blocks_free = 1000 - sums.blocks_used - sums.blocks_cached;
    sums.prefix_queries += 960;
    sums.prefix_hits += 410;
    sums.compute_s += 2.9;
    sums.comm_s[0] += 0.42;
    sums.comm_s[5] += 0.1;
    sums.idle_s += 0.55;
    kerf::ReplicaReport now = sums;
    for (int step = 0; step < 24; ++step, ++step_) {
      const double begin = now_s_ + 0.04 * step;
      for (int rank = 0; rank < 4; ++rank) {
        const double length = 0.017 + 0.001 * ((step * 7 + rank * 3) % 5);
        const double start = begin + (rank / 2) * 0.0195;
        now.steps.push_back({.step = step_,
                             .rank = rank,
                             .begin_s = start,
                             .end_s = start + length,
                             .comm_s = 0.002 + 0.0006 * ((step + rank) % 4),
                             .predicted_s = 0.0184,
                             .tokens = step % 8 == 0 ? 96 : 6});
      }
    }
    observer_.on_report(replica, now, now_s_);
  }

  double now_s_ = 100'000;
  int64_t step_ = 0;
  kerf::RequestId next_id_ = 0;
  int down_ = -1;
  std::array<kerf::ReplicaReport, 2> sums_{};
  kerf::Observer observer_;
};

http::response<http::string_body> answer(std::unique_ptr<Scene>& scene, const std::string& target) {
  http::response<http::string_body> response(http::status::ok, 11);
  for (const auto& [name, value] : kerf::status_page_headers()) response.set(name, value);
  if (target == "/") {
    response.set(http::field::content_type, "text/html; charset=utf-8");
    response.body() = kerf::kStatusPageHtml;
  } else if (target == "/status.json") {
    scene->advance();
    response.set(http::field::content_type, "application/json");
    response.body() = scene->status();
  } else if (target == "/metrics") {
    response.set(http::field::content_type, std::string(kerf::kMetricsContentType));
    response.body() = scene->metrics();
  } else if (target == "/do/down") {
    scene->down();
  } else if (target == "/do/up") {
    scene->up();
  } else if (target == "/do/evil" || target == "/do/plain") {
    scene = std::make_unique<Scene>(target == "/do/evil");
  } else {
    response.result(http::status::not_found);
  }
  response.keep_alive(false);
  response.prepare_payload();
  return response;
}

}  // namespace

int main() {
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  fmt::print("{}\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  auto scene = std::make_unique<Scene>(false);
  while (true) {
    std::array<pollfd, 2> waits = {{{STDIN_FILENO, POLLIN, 0}, {acceptor.native_handle(), POLLIN, 0}}};
    if (poll(waits.data(), waits.size(), -1) < 0 || waits[0].revents != 0) return 0;
    asio::ip::tcp::socket socket(io);
    acceptor.accept(socket);
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    boost::system::error_code error;
    http::read(socket, buffer, request, error);  // a browser may open a connection that it does not use
    if (error) continue;
    http::write(socket, answer(scene, std::string(request.target())), error);
  }
}
