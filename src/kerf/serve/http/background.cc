#include "kerf/serve/http/background.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace kerf {

namespace {

class BackgroundThread : public Background {
 public:
  explicit BackgroundThread(boost::asio::io_context& loop) : loop_(loop) {
    // Signals are for the thread of the loop: this one is born deaf.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { serve(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~BackgroundThread() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void run(std::function<void()> work, std::function<void()> then) override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back({std::move(work), std::move(then), boost::asio::make_work_guard(loop_)});
    }
    wake_.notify_one();
  }

 private:
  struct Task {
    std::function<void()> work;
    std::function<void()> then;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard;  // the loop has this to come
  };

  void serve() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
      if (ending_) return;
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task.work();
      boost::asio::post(loop_, [task = std::move(task)] { task.then(); });  // what they hold ends there
      lock.lock();
    }
  }

  boost::asio::io_context& loop_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;  // under mutex_
  bool ending_ = false;     // under mutex_
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Background> make_background(boost::asio::io_context& loop) {
  return std::make_unique<BackgroundThread>(loop);
}

}  // namespace kerf
