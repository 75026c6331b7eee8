#include "kerf/serve/replica_process.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "kerf/base/local_socket.h"
#include "kerf/serve/spawn.h"

namespace kerf {

namespace {

using namespace std::chrono_literals;

// A launcher whose rank 0 is gone kills the others and says why in some tens of milliseconds.
constexpr auto kGraceAfterLoss = 250ms;
constexpr auto kGraceForOrphans = 1s;     // that the kernel ends
constexpr auto kGraceAfterWords = 250ms;  // a program that ends with a sentence does so at once
constexpr std::string_view kSentence = "kerf: ";
constexpr size_t kLongestLine = 4096;
constexpr int kReadsInARow = 16;  // of its log: a replica that never stops talking must not hold up the others

std::string seconds(std::chrono::milliseconds duration) {
  return fmt::format("{:.3g} s", std::chrono::duration<double>(duration).count());
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return fmt::format("it was killed by signal {}", WTERMSIG(status));
  return fmt::format("it ended with status {}", WEXITSTATUS(status));
}

}  // namespace

ReplicaProcess::ReplicaProcess(EventLoop& loop, Children& children, const ReplicaCommand& command, Handlers handlers)
    : loop_(loop), children_(children), command_(command), handlers_(std::move(handlers)), heard_at_(loop.now()) {
  if (const Status started = start(); !started.ok()) {
    lose_timer_ = loop_.after(0ms, [this, why = started.error().message] {
      lose(why);
      end();
    });
  }
}

ReplicaProcess::~ReplicaProcess() {
  listener_watch_.reset();
  socket_watch_.reset();
  log_watch_.reset();
  if (pid_ > 0) {
    children_.forget(pid_);
    ::kill(pid_, SIGKILL);
  }
  if (listener_ >= 0) close(listener_);
  if (log_pipe_ >= 0) close(log_pipe_);
}

Status ReplicaProcess::start() {
  const std::string name = fresh_socket_name();
  listener_ = listen_local(name, SOCK_STREAM);
  if (listener_ < 0) return fail("cannot open a socket for a replica: {}", std::strerror(errno));
  std::array<int, 2> pipe{};
  if (pipe2(pipe.data(), O_CLOEXEC) != 0) return fail("cannot open a pipe for a replica: {}", std::strerror(errno));
  log_pipe_ = pipe[0];
  fcntl(log_pipe_, F_SETFL, O_NONBLOCK);
  std::vector<std::string> environment = {fmt::format("{}={}", kFrontVariable, name)};
  for (const auto& [variable, value] : scratch_.environment()) environment.push_back(variable + "=" + value);
  const Result<pid_t> child = spawn({.executable = command_.executable,
                                     .args = command_.args,
                                     .environment = environment,
                                     .cores = command_.cores,
                                     .output = pipe[1]});
  close(pipe[1]);
  if (!child.ok()) return child.error();
  pid_ = *child;
  children_.expect(pid_, [this](int status) { on_exit(status); });
  listener_watch_ = loop_.watch(listener_, [this] { on_connection(); });
  log_watch_ = loop_.watch(log_pipe_, [this] { read_log(); });
  listen_for_silence();
  return Ok{};
}

void ReplicaProcess::on_connection() {
  const auto peer = accept_local(listener_);
  if (!peer) return;
  socket_.emplace(peer->fd);
  heard_at_ = loop_.now();
  socket_watch_ = loop_.watch(socket_->fd(), [this] { on_readable(); });
  close(std::exchange(listener_, -1));
  listener_watch_.reset();
}

void ReplicaProcess::on_readable() {
  std::vector<Bytes> frames;
  const Status open = socket_->receive(frames);
  if (!frames.empty()) heard_at_ = loop_.now();
  for (const Bytes& frame : frames) {
    if (ending_) return;
    on_message(frame);
  }
  if (!open.ok() && !ending_) lose(fmt::format("its rank 0 is gone: {}", open.error().message));
}

void ReplicaProcess::on_message(const Bytes& frame) {
  Result<ReplicaMessage> message = parse_replica_message(frame);
  if (!message.ok()) return kill(message.error().message);
  const bool facts = std::holds_alternative<ReplicaFacts>(*message);
  if (facts == told_facts_) return kill("it does not tell its facts first and once");
  told_facts_ = true;
  handlers_.message(std::move(*message));
}

void ReplicaProcess::send(const FrontMessage& message) {
  if (ending_ || !socket_) return;
  if (!socket_->send(serialize(message))) return lose_soon("it does not take requests any more");
  flush();
}

void ReplicaProcess::flush() {
  if (ending_ || !socket_->has_unsent()) return;
  socket_watch_->when_writable([this] {
    if (ending_) return;
    if (!socket_->flush()) return lose_soon("it does not take requests any more");
    flush();
  });
}

// What has come but has not been looked at counts as heard: this process, too, may have been held up.
void ReplicaProcess::listen_for_silence() {
  const auto limit = told_facts_ ? command_.silence_limit : command_.startup_limit;
  silence_timer_ = loop_.after(std::min<EventLoop::Clock::duration>(command_.silence_limit, limit) / 8, [this] {
    if (ending_) return;
    if (socket_) on_readable();
    if (ending_) return;
    const auto allowed = told_facts_ ? command_.silence_limit : command_.startup_limit;
    if (loop_.now() - heard_at_ <= allowed) return listen_for_silence();
    kill(told_facts_ ? fmt::format("it hangs: nothing was heard of it for {}", seconds(allowed))
                     : fmt::format("it was not ready after {}", seconds(allowed)));
  });
}

// Lines go to the log; one without end is cut.
void ReplicaProcess::read_log() {
  std::array<char, 16 << 10> bytes{};
  ssize_t got = 1;
  for (int i = 0; i < kReadsInARow && (got = read(log_pipe_, bytes.data(), bytes.size())) > 0; ++i) {
    for (const char c : std::string_view(bytes.data(), static_cast<size_t>(got))) {
      if (c != '\n' && c != '\r') log_line_ += c;
      if ((c != '\n' && log_line_.size() < kLongestLine) || log_line_.empty()) continue;
      on_line(std::exchange(log_line_, {}));
    }
  }
  if (got != 0) return;
  log_watch_.reset();
  if (pid_ < 0) end();
}

// What happens is told once: a sentence is either the reason for its end or a line of its log.
void ReplicaProcess::on_line(std::string line) {
  say_held();
  const bool sentence = line.starts_with(kSentence);
  last_words_ = sentence ? line.substr(kSentence.size()) : std::move(line);
  if (lost_ || !sentence) return say_held();
  words_timer_ = loop_.after(kGraceAfterWords, [this] { say_held(); });
}

void ReplicaProcess::say_held() {
  words_timer_.reset();
  const std::string words = std::exchange(last_words_, {});
  if (!words.empty() && command_.log) command_.log(words);
}

void ReplicaProcess::kill(std::string_view why) {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
  lose_soon(why);
}

void ReplicaProcess::lose_soon(std::string_view why) {
  if (ending_) return;
  ending_ = true;
  lose_timer_ = loop_.after(0ms, [this, reason = std::string(why)] { lose(reason); });
}

void ReplicaProcess::lose(const std::string& why) {
  if (lost_) return;
  ending_ = true;
  lost_ = true;
  socket_watch_.reset();
  socket_.reset();
  kill_timer_ = loop_.after(kGraceAfterLoss, [this] {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
  });
  handlers_.lost(why);
}

// Its ranks may outlive it by some milliseconds. They hold the other end of the log's pipe.
void ReplicaProcess::on_exit(int status) {
  read_log();
  pid_ = -1;
  const bool failed = WIFEXITED(status) && WEXITSTATUS(status) != 0;
  lose(failed && !lost_ && !last_words_.empty() ? std::exchange(last_words_, {}) : how_it_ended(status));
  say_held();
  if (!log_watch_) return end();
  kill_timer_ = loop_.after(kGraceForOrphans, [this] { end(); });
}

void ReplicaProcess::end() {
  const auto gone = std::move(handlers_.gone);
  gone();  // destroys this
}

}  // namespace kerf
