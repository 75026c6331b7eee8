// Sequence: a request on its way through the scheduler.
#pragma once

#include <cstdint>
#include <memory>
#include <tuple>
#include <vector>

#include "kerf/engine/block_table.h"
#include "kerf/engine/wait_queue.h"

namespace kerf {

// Its request is without prompt_ids and output_ids, which are in `tokens`.
struct Sequence : Waiting, std::enable_shared_from_this<Sequence> {
  enum class State : uint8_t {
    kWaiting,     // in the WaitQueue: no slot, no blocks
    kParked,      // preempted while its token is under way; waits when the token is there
    kPrefilling,  // has a slot and blocks; known tokens are to be computed
    kReady,       // decoding; its last token is known and to be computed
    kAwaiting,    // a step that gives its next token, or its last rows, is in flight
    kEnded,
  };

  int64_t prompt_tokens = 0;    // that tokens begins with
  std::vector<int32_t> tokens;  // prompt and output, by position
  State state = State::kWaiting;

  // Since it was last admitted.
  int32_t slot = -1;
  BlockTable blocks;
  int64_t scheduled = 0;    // positions [0, scheduled) are in the cache, or in steps already made
  int64_t prefill_end = 0;  // tokens known when it was admitted: so many are prefill
  bool started = false;     // the last stage knows the slot

  int64_t cached_tokens = 0;  // of the prompt, found in the prefix cache when it was first admitted
  int64_t charged = 0;        // positions that its tenant has paid for
  bool looked_up = false;     // counted among the queries of the prefix cache

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(tokens.size()); }
  [[nodiscard]] int64_t prefill_left() const { return prefill_end - scheduled; }
  [[nodiscard]] bool has_slot() const { return slot >= 0; }

  // Lower goes first, and is preempted last.
  [[nodiscard]] auto rank() const { return std::tuple(!aged, aged ? 0 : request.priority, arrival); }
};

struct ByRank {
  bool operator()(const Sequence* a, const Sequence* b) const { return a->rank() < b->rank(); }
};

}  // namespace kerf
