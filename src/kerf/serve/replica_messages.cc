#include "kerf/serve/replica_messages.h"

#include <limits>
#include <utility>

#include "kerf/engine/request_wire.h"

namespace kerf {

namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int32_t kMaxInt = std::numeric_limits<int32_t>::max();

// The first number of a message: what it is, and the version of its layout.
enum Layout : uint64_t {
  kAdd = 0x4101,
  kCancel = 0x4301,
  kDrain = 0x4401,
  kFacts = 0x4601,
  kProgress = 0x5001,
  kRefused = 0x5201,
};

void write(WireWriter& out, const AddRequest& message) {
  out.u64(kAdd);
  write_request(out, message.request);
}

void write(WireWriter& out, const CancelRequest& message) {
  out.u64(kCancel);
  out.i64(message.request);
}

void write(WireWriter& out, const DrainReplica& /*message*/) { out.u64(kDrain); }

void write(WireWriter& out, const ReplicaFacts& facts) {
  out.u64(kFacts);
  for (const int64_t x :
       {facts.vocab_size, facts.max_model_len, facts.max_num_seqs, facts.num_blocks, facts.block_size}) {
    out.i64(x);
  }
  out.i64(facts.threads);
  out.f64(facts.load_s);
  out.u64(facts.pids.size());
  for (const pid_t pid : facts.pids) out.i64(pid);
}

ReplicaFacts read_facts(WireReader& in) {
  ReplicaFacts facts;
  for (int64_t* x :
       {&facts.vocab_size, &facts.max_model_len, &facts.max_num_seqs, &facts.num_blocks, &facts.block_size}) {
    *x = in.i64_in(1, kMax);
  }
  facts.threads = in.i32_in(1, kMaxInt);
  facts.load_s = in.f64();
  for (size_t n = in.length(); n > 0 && in.ok(); --n) facts.pids.push_back(in.i32_in(1, kMaxInt));
  if (facts.pids.empty()) in.reject("no rank has a pid");
  return facts;
}

void write(WireWriter& out, const StepRecord& step) {
  out.i64(step.step);
  out.i64(step.rank);
  for (const double x : {step.begin_s, step.end_s, step.comm_s, step.predicted_s}) out.f64(x);
  out.i64(step.tokens);
}

StepRecord read_step(WireReader& in) {
  StepRecord step;
  step.step = in.i64_in(0, kMax);
  step.rank = in.i32_in(0, kMaxInt);
  for (double* x : {&step.begin_s, &step.end_s, &step.comm_s, &step.predicted_s}) *x = in.f64();
  step.tokens = in.i64_in(0, kMax);
  return step;
}

void write(WireWriter& out, const ReplicaReport& report) {
  for (const int64_t x : {report.running, report.waiting, report.blocks_used, report.blocks_cached, report.blocks_free,
                          report.prefix_queries, report.prefix_hits, report.preemptions}) {
    out.i64(x);
  }
  out.f64(report.compute_s);
  for (const double x : report.comm_s) out.f64(x);
  out.f64(report.idle_s);
  out.u64(report.steps.size());
  for (const StepRecord& step : report.steps) write(out, step);
}

ReplicaReport read_report(WireReader& in) {
  ReplicaReport report;
  for (int64_t* x : {&report.running, &report.waiting, &report.blocks_used, &report.blocks_cached, &report.blocks_free,
                     &report.prefix_queries, &report.prefix_hits, &report.preemptions}) {
    *x = in.i64_in(0, kMax);
  }
  report.compute_s = in.f64();
  for (double& x : report.comm_s) x = in.f64();
  report.idle_s = in.f64();
  for (size_t n = in.length(); n > 0 && in.ok(); --n) report.steps.push_back(read_step(in));
  return report;
}

void write(WireWriter& out, const TokenUpdate& update) {
  out.i64(update.request);
  out.i64(update.position);
  out.i64(update.token ? 1 : 0);
  if (update.token) write_sampled_token(out, *update.token);
  out.i64(update.finish ? static_cast<int64_t>(*update.finish) : -1);
  out.text(update.error);
  out.i64(update.cached_tokens);
}

TokenUpdate read_update(WireReader& in) {
  TokenUpdate update;
  update.request = in.i64();
  update.position = in.i64_in(0, kMax);
  if (in.flag()) update.token = read_sampled_token(in);
  const int64_t finish = in.i64_in(-1, static_cast<int64_t>(FinishReason::kError));
  if (finish >= 0) update.finish = static_cast<FinishReason>(finish);
  update.error = in.text();
  update.cached_tokens = in.i64_in(0, kMax);
  return update;
}

void write(WireWriter& out, const ReplicaProgress& progress) {
  out.u64(kProgress);
  out.u64(progress.updates.size());
  for (const TokenUpdate& update : progress.updates) write(out, update);
  out.i64(progress.report ? 1 : 0);
  if (progress.report) write(out, *progress.report);
}

ReplicaProgress read_progress(WireReader& in) {
  ReplicaProgress progress;
  for (size_t n = in.length(); n > 0 && in.ok(); --n) progress.updates.push_back(read_update(in));
  if (in.flag()) progress.report = read_report(in);
  return progress;
}

void write(WireWriter& out, const RequestRefused& refused) {
  out.u64(kRefused);
  out.i64(refused.request);
  out.text(refused.why);
}

RequestRefused read_refused(WireReader& in) {
  RequestRefused refused;
  refused.request = in.i64();
  refused.why = in.text();
  return refused;
}

template <typename Message>
Bytes serialize_any(const Message& message) {
  WireWriter out;
  std::visit([&](const auto& m) { write(out, m); }, message);
  return out.take();
}

}  // namespace

Bytes serialize(const FrontMessage& message) { return serialize_any(message); }
Bytes serialize(const ReplicaMessage& message) { return serialize_any(message); }

Result<FrontMessage> parse_front_message(std::span<const std::byte> bytes) {
  WireReader in(bytes, "front's");
  FrontMessage message = DrainReplica{};
  switch (in.u64()) {
    case kAdd: message = AddRequest{read_request(in)}; break;
    case kCancel: message = CancelRequest{in.i64()}; break;
    case kDrain: break;
    default: in.reject("it is of another kind or version");
  }
  KERF_TRY_STATUS(in.finish());
  return message;
}

Result<ReplicaMessage> parse_replica_message(std::span<const std::byte> bytes) {
  WireReader in(bytes, "replica's");
  ReplicaMessage message = ReplicaFacts{};
  switch (in.u64()) {
    case kFacts: message = read_facts(in); break;
    case kProgress: message = read_progress(in); break;
    case kRefused: message = read_refused(in); break;
    default: in.reject("it is of another kind or version");
  }
  KERF_TRY_STATUS(in.finish());
  return message;
}

}  // namespace kerf
