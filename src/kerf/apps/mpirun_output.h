// What mpirun writes to stderr, sorted: the ranks' own output, their last words, and its banners.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kerf {

// mpirun frames what it says itself by lines of 74 dashes; a rank that gives up marks its last
// sentence by a record separator (World::abort). Both may come in pieces, and anywhere in a line.
class MpirunOutput {
 public:
  // Takes the next bytes and returns those to show now.
  [[nodiscard]] std::string filter(std::string_view bytes);
  // The bytes held back because more might have followed.
  [[nodiscard]] std::string rest();

  // Why the job failed, as one sentence: a rank killed by a signal, else the first rank's last words, else
  // mpirun's own reason. Nothing when a rank just exited with a status of its own.
  [[nodiscard]] std::optional<std::string> reason() const;

 private:
  void take_banner(std::string_view banner);

  std::string held_;        // not yet sorted
  std::string killed_;      // "rank 1 on host x was killed by signal 9 (Killed)"
  std::string last_words_;  // the first rank's
  std::string banner_;      // mpirun's first, in one line
};

}  // namespace kerf
