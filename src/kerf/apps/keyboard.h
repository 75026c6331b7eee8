// Carries what is typed on the launcher's terminal to rank 0. Ranks are in process groups of their own (mpirun puts
// them there), and the terminal lets only the foreground group read.
#pragma once

#include <poll.h>

#include <array>

namespace kerf {

class Keyboard {
 public:
  // Throws std::system_error when out of descriptors.
  Keyboard();
  ~Keyboard();
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;

  // The stdin of rank 0.
  [[nodiscard]] int reader() const { return ends_[0]; }

  // What to poll for before the next pump(); its fd is -1 at the end of input and in the background, where another
  // program owns the keys.
  [[nodiscard]] pollfd interest() const;
  void pump();

 private:
  [[nodiscard]] bool room() const;

  std::array<int, 2> ends_{};  // of a pipe; [1] is -1 after the end of input
};

}  // namespace kerf
