// What mpirun writes on stderr: its own banners, and what ranks of other hosts say, mixed. The filter passes the
// ranks' bytes on unchanged and unbuffered (a progress bar has no newline) and keeps the rest for the launcher.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kerf {

class MpirunStderr {
 public:
  // Returns what is the ranks'. A trailing "---", which may begin a banner, is held back until more comes.
  [[nodiscard]] std::string feed(std::string_view bytes);
  // Gives up what is held back.
  [[nodiscard]] std::string flush();

  struct Killed {
    int rank;
    int signal;
  };
  // mpirun's notice that a rank died from a signal.
  [[nodiscard]] const std::optional<Killed>& killed() const { return killed_; }
  // The first last words of a rank without connection; empty: none.
  [[nodiscard]] const std::string& last_words() const { return last_words_; }
  // The first banner that is not just about how the job ended: why mpirun could not start it, in one line.
  [[nodiscard]] const std::string& complaint() const { return complaint_; }

 private:
  void end_banner();
  void end_line(std::string& out);

  enum class State { kRanks, kBanner, kLastWords, kMpirunLine };
  State state_ = State::kRanks;
  std::string held_;  // the banner, line or dashes so far
  bool line_start_ = true;
  std::optional<Killed> killed_;
  std::string last_words_;
  std::string complaint_;
};

}  // namespace kerf
