#include "kerf/apps/supervisor.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstring>

#include "kerf/base/local_socket.h"

namespace kerf {

namespace {

using namespace std::chrono_literals;

// A rank that was asked to end may flush a file. When one has died mpirun ends the others, in 0.1 s or, on a crowded
// machine, more; it also knows the cause, so it is killed only when it seems stuck.
constexpr auto kGraceAfterSignal = 1s;
constexpr auto kGraceAfterDeath = 5s;
constexpr auto kGraceAfterLastWords = 5s;
// Where somebody waits to start the job anew: time for the last words that travel with a death.
constexpr auto kImpatience = 20ms;
constexpr auto kGraceAfterMpirun = 300ms;  // its ranks die with it
constexpr auto kGraceAfterKill = 1s;       // the kernel frees a rank's memory
constexpr auto kForegroundCheck = 300ms;   // nobody tells a running program that the shell's fg brought it back

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

Supervisor::~Supervisor() {
  for (const Rank& rank : ranks_) {
    if (rank.fd >= 0) close(rank.fd);
  }
}

int Supervisor::run() {
  while (!mpirun_status_ || (any_rank() && !(leave_at_ && Clock::now() >= *leave_at_))) step();
  on_stderr();
  write_all(STDERR_FILENO, stderr_.flush());
  return verdict();
}

// Waits for something to happen, and deals with all that has.
void Supervisor::step() {
  constexpr pollfd kNothing{.fd = -1, .events = 0, .revents = 0};
  std::vector<pollfd> fds{{job_.signals, POLLIN, 0},
                          {lifeline_.fd(), POLLIN, 0},
                          {job_.mpirun_stderr, POLLIN, 0},
                          job_.keyboard != nullptr ? job_.keyboard->interest() : kNothing};
  const size_t first_rank = fds.size();
  for (const Rank& rank : ranks_) fds.push_back({rank.fd, POLLIN, 0});  // poll skips -1
  poll(fds.data(), fds.size(), patience_ms());

  if (fds[0].revents != 0) on_signal();
  if (fds[2].revents != 0) on_stderr();
  if (fds[3].revents != 0) job_.keyboard->pump();
  for (size_t i = first_rank; i < fds.size(); ++i) {
    if (fds[i].revents != 0) on_message(ranks_[i - first_rank]);
  }
  if (fds[1].revents != 0) {
    if (const auto peer = accept_local(lifeline_.fd())) ranks_.push_back({.fd = peer->fd, .pid = peer->pid});
    if (leave_at_) kill_all();
  }
  reap();
  if (kill_at_ && !leave_at_ && Clock::now() >= *kill_at_) kill_all();
}

int Supervisor::patience_ms() const {
  if (const auto& until = leave_at_ ? leave_at_ : kill_at_) {
    return static_cast<int>(std::max(std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()), 0ms).count());
  }
  return job_.keyboard != nullptr ? static_cast<int>(kForegroundCheck.count()) : -1;
}

void Supervisor::on_signal() {
  signalfd_siginfo info{};
  if (read(job_.signals, &info, sizeof(info)) != sizeof(info) || info.ssi_signo == SIGCHLD) return;
  if (info.ssi_signo == SIGTSTP) return pause();
  if (interrupted_ != 0) return kill_all();  // asked twice
  interrupted_ = static_cast<int>(info.ssi_signo);
  send_to_ranks(interrupted_);
  if (!any_rank()) kill(job_.mpirun, SIGTERM);
  kill_after(kGraceAfterSignal);
}

// Ctrl-Z, and later fg. Where no shell could continue it, the signal's default action is not to stop.
void Supervisor::pause() const {
  send_to_ranks(SIGSTOP);
  raise(SIGTSTP);  // pending until unblocked
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  sigprocmask(SIG_UNBLOCK, &stop, nullptr);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  send_to_ranks(SIGCONT);
}

void Supervisor::on_stderr() {
  std::array<char, 64 << 10> bytes{};
  while (true) {
    const ssize_t got = read(job_.mpirun_stderr, bytes.data(), bytes.size());
    if (got <= 0) return;
    write_all(STDERR_FILENO, stderr_.feed({bytes.data(), static_cast<size_t>(got)}));
  }
}

void Supervisor::on_message(Rank& rank) {
  const std::optional<Message> message = Lifeline::receive(rank.fd);
  if (!message) {
    close(rank.fd);
    rank.fd = -1;
    if (rank.farewell || leave_at_) return;
    if (!lost_) lost_ = rank;
    return kill_after(job_.patient ? kGraceAfterDeath : kImpatience);
  }
  switch (message->kind) {
    case Message::Kind::kHello:
      std::from_chars(message->text.data(), message->text.data() + message->text.size(), rank.number);
      Lifeline::welcome(rank.fd, rank.number == 0 ? job_.rank_stdin : -1);
      break;
    case Message::Kind::kLastWords:
      if (last_words_.empty()) last_words_ = message->text;
      kill_after(job_.patient ? kGraceAfterLastWords : kImpatience);
      break;
    case Message::Kind::kFarewell: rank.farewell = true; break;
  }
}

// This process is the one that orphaned ranks are handed to.
void Supervisor::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != job_.mpirun) continue;
    mpirun_status_ = status;
    kill_after(kGraceAfterMpirun);
  }
}

void Supervisor::send_to_ranks(int signal) const {
  for (const Rank& rank : ranks_) {
    if (rank.fd >= 0) kill(rank.pid, signal);
  }
}

void Supervisor::kill_all() {
  send_to_ranks(SIGKILL);
  if (!mpirun_status_) kill(-job_.mpirun, SIGKILL);
  leave_at_ = Clock::now() + kGraceAfterKill;
}

void Supervisor::kill_after(Clock::duration grace) {
  const auto at = Clock::now() + grace;
  kill_at_ = kill_at_ ? std::min(*kill_at_, at) : at;
}

bool Supervisor::any_rank() const {
  return std::any_of(ranks_.begin(), ranks_.end(), [](const Rank& rank) { return rank.fd >= 0; });
}

int Supervisor::say(const std::string& sentence, int status) {
  // On a terminal a progress bar may stand in the line.
  write_all(STDERR_FILENO, fmt::format("{}kerf: {}\n", isatty(STDERR_FILENO) == 1 ? "\r\033[K" : "", sentence));
  return status;
}

int Supervisor::verdict() {
  if (interrupted_ != 0) return 128 + interrupted_;
  const int status = mpirun_status_.value_or(0);
  if (status == 0) return 0;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;

  if (const auto& killed = stderr_.killed()) {
    if (killed->signal == SIGINT || killed->signal == SIGPIPE) return 128 + killed->signal;  // as of one process
    const auto same = [&](const Rank& rank) { return rank.number == killed->rank; };
    const auto rank = std::find_if(ranks_.begin(), ranks_.end(), same);
    const std::string pid = rank != ranks_.end() ? fmt::format(" (pid {})", rank->pid) : "";  // mpirun tells none
    return say(fmt::format("rank {}{} was killed by signal {}; the job ends", killed->rank, pid, killed->signal), 1);
  }
  if (!last_words_.empty()) return say(last_words_, code);
  if (!stderr_.last_words().empty()) return say(stderr_.last_words(), code);
  if (WIFEXITED(status)) {
    return stderr_.complaint().empty() ? code : say(fmt::format("Open MPI: {}", stderr_.complaint()), 1);
  }
  if (lost_ && leave_at_) return say(fmt::format("rank {} (pid {}) died; the job ends", lost_->number, lost_->pid), 1);
  return say(fmt::format("mpirun was killed by signal {}; the job ends", WTERMSIG(status)), 1);
}

}  // namespace kerf
