#include "kerf/comm/world.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <utility>

#include "kerf/base/check.h"
#include "kerf/comm/mpi.h"
#include "kerf/comm/self.h"
#include "kerf/comm/shm.h"

namespace kerf {

namespace {

using std::chrono::milliseconds;

// One write, so that the sentences of several ranks do not mix. To the kerf that launched this rank a
// record separator marks the last words of a rank; it shows the first such sentence alone.
void say(std::string_view why) noexcept {
  if (why.empty()) return;
  const std::string line = fmt::format("kerf: {}\n", why);
  [[maybe_unused]] const auto written = write(STDERR_FILENO, line.data(), line.size());
}

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

class SelfWorld final : public World {
 public:
  SelfWorld() : World(0, 1) {}
  [[nodiscard]] std::string_view host(int /*rank*/) const override { return host_; }
  std::unique_ptr<Communicator> group(std::span<const int> /*members*/, std::string_view /*name*/) override {
    return make_self();
  }
  void abort(std::string_view why, int status) noexcept override {
    say(why);
    std::_Exit(status);
  }

 private:
  std::string host_ = host_name();
};

// ---- threads ----

using GroupKey = std::pair<std::string, std::vector<int>>;  // name and members

// What the ranks of one ThreadWorld share.
struct Meeting {
  std::mutex mutex;
  std::map<std::pair<GroupKey, int>, std::vector<std::unique_ptr<Communicator>>> groups;  // the nth of its key
  std::vector<std::shared_ptr<SharedMemory>> memories;
};

class ThreadWorld final : public World {
 public:
  ThreadWorld(int rank, int size, milliseconds deadline, std::shared_ptr<Meeting> meeting)
      : World(rank, size), deadline_(deadline), meeting_(std::move(meeting)) {}
  [[nodiscard]] std::string_view host(int /*rank*/) const override { return "this process"; }

  std::unique_ptr<Communicator> group(std::span<const int> members, std::string_view name) override {
    if (members.size() == 1) return make_self();
    const std::pair key(std::string(name), std::vector<int>(members.begin(), members.end()));
    const std::pair nth_key(key, made_[key]++);
    const std::lock_guard lock(meeting_->mutex);
    auto& group = meeting_->groups[nth_key];
    if (group.empty()) {
      auto memory = std::make_shared<SharedMemory>(shm_bytes(static_cast<int>(members.size())));
      meeting_->memories.push_back(memory);
      group = make_thread_group(static_cast<int>(members.size()), deadline_, memory);
    }
    const auto index = std::find(members.begin(), members.end(), rank()) - members.begin();
    return std::move(group[static_cast<size_t>(index)]);
  }

  void abort(std::string_view why, int /*status*/) noexcept override {
    const std::lock_guard lock(meeting_->mutex);
    for (const auto& memory : meeting_->memories) abort_shm(*memory, why);
  }

 private:
  milliseconds deadline_;
  std::shared_ptr<Meeting> meeting_;
  std::map<GroupKey, int> made_;
};

// ---- MPI ----

// Where a rank runs. Ranks with the same place can share memory.
struct Place {
  std::array<char, 256> id{};
  std::array<char, 128> host{};
  pid_t pid = 0;
  cpu_set_t cores{};
};

template <size_t kSize>
void put(std::array<char, kSize>& to, std::string_view text) {
  std::memcpy(to.data(), text.data(), std::min(text.size(), kSize - 1));
}

// Machine, network namespace (two namespaces of one machine count as two hosts) and pid namespace
// (through which memory is handed over). KERF_HOST_ID overrides.
Place here() {
  Place place;
  const std::string host = host_name();
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  struct stat net {};
  struct stat pids {};
  stat("/proc/self/ns/net", &net);
  stat("/proc/self/ns/pid", &pids);
  const char* id = std::getenv("KERF_HOST_ID");
  put(place.id, id != nullptr ? id : fmt::format("{} {} {} {}", boot, net.st_ino, pids.st_ino, host));
  put(place.host, host);
  place.pid = getpid();
  sched_getaffinity(0, sizeof(place.cores), &place.cores);
  return place;
}

class MpiWorld final : public World {
 public:
  MpiWorld(std::unique_ptr<MpiLink> link, milliseconds deadline)
      : World(link->rank(), link->size()), deadline_(deadline), link_(std::move(link)) {
    std::vector<int> everyone;
    for (int r = 0; r < size(); ++r) everyone.push_back(r);
    places_.resize(static_cast<size_t>(size()));
    all_ = mpi_group(everyone, 0);
    gather_places();
    all_ = mpi_group(everyone, 0);  // now with pids in its messages
  }

  // Meets the others first: MPI_Finalize waits for them without a deadline.
  ~MpiWorld() override {
    try {
      gather_places();
    } catch (const CommError& error) {
      abort(error.what(), 1);
    }
  }

  [[nodiscard]] std::string_view host(int rank) const override { return place(rank).host.data(); }

  std::unique_ptr<Communicator> group(std::span<const int> members, std::string_view name) override {
    if (members.size() == 1) return make_self();
    const std::vector<int> ranks(members.begin(), members.end());
    KERF_CHECK(std::find(ranks.begin(), ranks.end(), rank()) != ranks.end(), name);
    const bool one_host =
        std::all_of(ranks.begin(), ranks.end(), [&](int r) { return place(r).id == place(ranks[0]).id; });
    return one_host ? shm_group(ranks) : mpi_group(ranks, agree_on_id(ranks));
  }

  void abort(std::string_view why, int status) noexcept override {
    say(why);
    link_->abort(status);
  }

 private:
  [[nodiscard]] const Place& place(int rank) const { return places_[static_cast<size_t>(rank)]; }

  template <typename T>
  static Tensor as_tensor(T& value) {
    static_assert(sizeof(T) % 4 == 0);
    return {&value, DType::kI32, {static_cast<int64_t>(sizeof(T) / 4)}};
  }

  void gather_places() {
    Place own = here();
    const int64_t words = sizeof(Place) / 4;
    std::vector<int64_t> bounds;
    for (int r = 0; r <= size(); ++r) bounds.push_back(r * words);
    all_->all_gather(as_tensor(own), Tensor(places_.data(), DType::kI32, {size() * words}), bounds);
  }

  [[nodiscard]] std::vector<std::string> names(const std::vector<int>& ranks) const {
    std::vector<std::string> names;
    for (const int r : ranks) {
      names.push_back(fmt::format("rank {} (pid {} on {})", r, place(r).pid, place(r).host.data()));
    }
    return names;
  }

  // Could every rank of this host have a core of its own?
  [[nodiscard]] bool spin() const {
    int ranks = 0;
    cpu_set_t cores{};
    for (const Place& other : places_) {
      if (other.id != place(rank()).id) continue;
      ++ranks;
      CPU_OR(&cores, &cores, &other.cores);
    }
    return ranks <= CPU_COUNT(&cores);
  }

  std::unique_ptr<Communicator> mpi_group(const std::vector<int>& ranks, int64_t id) {
    return make_mpi(*link_, {.id = id, .members = ranks, .names = names(ranks), .spin = spin(), .deadline = deadline_});
  }

  // The first member numbers the groups it leads.
  int64_t agree_on_id(const std::vector<int>& ranks) {
    int64_t id = ranks[0] + size() * ++groups_led_;
    if (rank() != ranks[0]) all_->recv(as_tensor(id), ranks[0]);
    for (const int r : ranks) {
      if (rank() == ranks[0] && r != rank()) all_->send(as_tensor(id), r);
    }
    return id;
  }

  // The first member makes the memory and keeps it until all have opened it.
  std::unique_ptr<Communicator> shm_group(const std::vector<int>& ranks) {
    const int leader = ranks[0];
    const size_t bytes = shm_bytes(static_cast<int>(ranks.size()));
    std::shared_ptr<SharedMemory> memory;
    int32_t fd = 0;
    if (rank() == leader) {
      memory = std::make_shared<SharedMemory>(bytes);
      fd = memory->fd();
      for (const int r : ranks) {
        if (r != leader) all_->send(as_tensor(fd), r);
      }
      for (const int r : ranks) {
        if (r != leader) all_->recv(as_tensor(fd), r);
      }
    } else {
      all_->recv(as_tensor(fd), leader);
      memory = std::make_shared<SharedMemory>(place(leader).pid, fd, bytes);
      all_->send(as_tensor(fd), leader);
    }
    std::vector<ProcessWatch> watches;
    for (const int r : ranks) watches.emplace_back(place(r).pid);
    const auto own = std::find(ranks.begin(), ranks.end(), rank()) - ranks.begin();
    return make_shm(static_cast<int>(own), {.memory = std::move(memory),
                                            .names = names(ranks),
                                            .watches = std::move(watches),
                                            .spin = spin(),
                                            .deadline = deadline_});
  }

  milliseconds deadline_;
  std::unique_ptr<MpiLink> link_;
  std::vector<Place> places_;
  std::unique_ptr<Communicator> all_;
  int64_t groups_led_ = 0;
};

}  // namespace

bool started_by_mpi() { return std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr || std::getenv("PMIX_RANK") != nullptr; }

std::unique_ptr<World> make_world(milliseconds deadline) {
  if (!started_by_mpi()) return std::make_unique<SelfWorld>();
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // do not outlive mpirun
  return std::make_unique<MpiWorld>(std::make_unique<MpiLink>(), deadline);
}

std::vector<std::unique_ptr<World>> make_thread_worlds(int size, milliseconds deadline) {
  const auto meeting = std::make_shared<Meeting>();
  std::vector<std::unique_ptr<World>> worlds;
  for (int r = 0; r < size; ++r) worlds.push_back(std::make_unique<ThreadWorld>(r, size, deadline, meeting));
  return worlds;
}

}  // namespace kerf
