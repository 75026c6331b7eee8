// What the front and a replica's rank 0 tell each other: one message per frame of a FrameSocket.
//
//   front ──add, cancel, drain──▶ replica        replica ──facts, progress, refused──▶ front
//
// The replica speaks first, with its facts. From then on it is never silent for long: progress comes with every step,
// and, when there is nothing to do, as a heartbeat.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/request.h"
#include "kerf/engine/sampler.h"
#include "kerf/engine/wire.h"
#include "kerf/serve/seeing/observations.h"

namespace kerf {

// ---- front → replica ----

struct AddRequest {
  Request request;  // with an id that no unfinished request of this replica has
};
struct CancelRequest {
  RequestId request = 0;  // one that has ended meanwhile is no error
};
struct DrainReplica {};  // finish what was added, then end

using FrontMessage = std::variant<AddRequest, CancelRequest, DrainReplica>;
[[nodiscard]] Bytes serialize(const FrontMessage& message);
[[nodiscard]] Result<FrontMessage> parse_front_message(std::span<const std::byte> bytes);

// ---- replica → front ----

// What a replica is; its first message.
struct ReplicaFacts {
  int64_t vocab_size = 0;
  int64_t max_model_len = 0;
  int64_t max_num_seqs = 0;
  int64_t num_blocks = 0;  // of the KV cache
  int64_t block_size = 0;  // positions
  int threads = 0;         // per rank
  double load_s = 0;
  std::vector<pid_t> pids;  // of the ranks, in order
  bool operator==(const ReplicaFacts&) const = default;
};

// What became of a request in a step.
struct TokenUpdate {
  RequestId request = 0;
  int64_t position = 0;  // of the token: prompt and output count
  std::optional<SampledToken> token;
  std::optional<FinishReason> finish;  // the last update of this request
  std::string error;                   // why, when finish is kError
  int64_t cached_tokens = 0;           // with the first token: of the prompt, not computed but found in the cache
  bool operator==(const TokenUpdate&) const = default;
};

struct ReplicaProgress {
  std::vector<TokenUpdate> updates;     // of one step; empty: a heartbeat
  std::optional<ReplicaReport> report;  // some times a second
};

// A request that can never run here.
struct RequestRefused {
  RequestId request = 0;
  std::string why;  // one sentence
};

using ReplicaMessage = std::variant<ReplicaFacts, ReplicaProgress, RequestRefused>;
[[nodiscard]] Bytes serialize(const ReplicaMessage& message);
[[nodiscard]] Result<ReplicaMessage> parse_replica_message(std::span<const std::byte> bytes);

}  // namespace kerf
