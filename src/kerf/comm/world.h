// World: every rank of the job, and the groups made of them.
//
// A rank started by mpirun (or srun) belongs to its MPI job; any other process is a world of its own.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/comm/communicator.h"

namespace kerf {

class World {
 public:
  virtual ~World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] virtual std::string_view host(int rank) const = 0;

  // The communicator of `members` (distinct world ranks), in which members[i] is rank i: "self" for one
  // member, "shm" when all are on one host, else "mpi". Called by every member with the same arguments; a rank
  // makes its groups in an order that all can follow (axis by axis). `name` is for messages.
  // Throws CommError as communicators do. REQUIRES: rank() is a member; the world outlives the group.
  [[nodiscard]] virtual std::unique_ptr<Communicator> group(std::span<const int> members, std::string_view name) = 0;

  // Ends the job: one sentence on stderr (none when `why` is empty), every rank's process killed, exit status 1 (or
  // `status`). Does not return, but where ranks are threads it fails their groups and does.
  virtual void abort(std::string_view why, int status = 1) noexcept = 0;

 protected:
  World(int rank, int size) : rank_(rank), size_(size) {}

 private:
  int rank_;
  int size_;
};

// True in a rank that mpirun or srun started.
[[nodiscard]] bool started_by_mpi();

inline constexpr std::chrono::milliseconds kDefaultDeadline{60'000};

// This process's world; `deadline` bounds every wait of its groups. Throws CommError.
[[nodiscard]] std::unique_ptr<World> make_world(std::chrono::milliseconds deadline = kDefaultDeadline);

// For tests: the worlds of `size` ranks that are threads of this process.
[[nodiscard]] std::vector<std::unique_ptr<World>> make_thread_worlds(
    int size, std::chrono::milliseconds deadline = kDefaultDeadline);

}  // namespace kerf
