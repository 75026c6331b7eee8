#include "kerf/serve/seeing/process_stats.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace kerf {

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double now_s(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

int64_t open_fds() {
  std::error_code error;
  const std::filesystem::directory_iterator entries("/proc/self/fd", error);
  if (error) return 0;
  return std::distance(begin(entries), end(entries)) - 1;  // without the iterator's own
}

// Field 22 of /proc/self/stat, ticks since the boot; the second field may hold spaces, in parentheses.
double start_since_boot_s() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  size_t at = line.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = line.find(' ', at + 1);
  if (at == std::string::npos) return 0;
  return std::strtod(line.c_str() + at, nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats stats;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) stats.cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    stats.max_fds = static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, INT64_MAX));
  }
  int64_t total = 0;
  int64_t resident = 0;
  if (std::ifstream("/proc/self/statm") >> total >> resident) {
    const int64_t page = sysconf(_SC_PAGESIZE);
    stats.virtual_bytes = total * page;
    stats.resident_bytes = resident * page;
  }
  stats.open_fds = open_fds();
  stats.start_time_s = now_s(CLOCK_REALTIME) - now_s(CLOCK_BOOTTIME) + start_since_boot_s();
  return stats;
}

}  // namespace kerf
