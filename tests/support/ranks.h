// Runs ranks as threads of the test.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "kerf/comm/communicator.h"

namespace kerf::testing {

using Group = std::vector<std::unique_ptr<Communicator>>;

// Calls body(communicator) on every rank of the group, each in a thread of its own. A rank that
// throws aborts the group; the first exception in rank order is rethrown here.
inline void run_ranks(const Group& group, const std::function<void(Communicator&)>& body) {
  std::vector<std::exception_ptr> errors(group.size());
  std::vector<std::thread> threads;
  for (size_t r = 0; r < group.size(); ++r) {
    threads.emplace_back([&, r] {
      try {
        body(*group[r]);
      } catch (const std::exception& error) {
        errors[r] = std::current_exception();
        group[r]->abort(error.what());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace kerf::testing
