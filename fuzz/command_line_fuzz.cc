// Any text as one line of a shell, and the same text cut at NUL bytes as the words of a command: read it, and if there
// is a serving command in it, write it again with another plan.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "kerf/base/check.h"
#include "kerf/planner/command_line.h"

namespace {

void read(const std::vector<std::string>& arguments) {
  const auto command = kerf::parse_engine_command(arguments);
  if (!command.ok()) {
    KERF_CHECK(!command.error().message.empty());
    return;
  }
  KERF_CHECK(command->plan.tp >= 1 && command->plan.pp >= 1 && command->plan.dp >= 1);
  KERF_CHECK(command->first <= command->end && command->end <= command->words.size());
  const std::string same = kerf::changed_command(*command, {});
  if (command->outer.empty()) KERF_CHECK(same == kerf::join_shell_words(command->words));
  const std::string other = kerf::changed_command(*command, kerf::plan_changes(*command, {.tp = 3, .pp = 2, .dp = 5}));
  KERF_CHECK(!other.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read({text});
  std::vector<std::string> words;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\0', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  read(words);
  return 0;
}
