#include "kerf/engine/worker.h"

#include <cmath>
#include <utility>

namespace kerf {

namespace {

// Messages travel as their length, then their bytes.
void send_bytes(Communicator& group, const Bytes& bytes, int to) {
  const auto size = static_cast<int32_t>(bytes.size());
  group.send(ConstTensor(&size, {1}), to);
  group.send(ConstTensor(bytes.data(), DType::kU8, {size}), to);
}

Bytes receive_bytes(Communicator& group, int from) {
  int32_t size = 0;
  group.recv(Tensor(&size, {1}), from);
  Bytes bytes(static_cast<size_t>(size));
  group.recv(Tensor(bytes.data(), DType::kU8, {size}), from);
  return bytes;
}

void broadcast_bytes(Communicator& group, Bytes& bytes) {
  auto size = static_cast<int32_t>(bytes.size());
  group.broadcast(Tensor(&size, {1}), 0);
  bytes.resize(static_cast<size_t>(size));
  group.broadcast(Tensor(bytes.data(), DType::kU8, {size}), 0);
}

}  // namespace

Worker::Worker(Mesh& mesh, const Plan& plan, Stage& stage, int64_t max_tokens, const StepBounds& bounds,
               SamplingVocabulary vocabulary)
    : mesh_(mesh),
      stage_(stage),
      tp_(*mesh.tp, plan.sp),
      bounds_(bounds),
      sampler_(bounds.num_slots, bounds.vocab_size, std::move(vocabulary)),
      hidden_(static_cast<size_t>(max_tokens * stage.hidden_size()) * sizeof(float)) {}

void Worker::submit(const Step& step) {
  Bytes bytes = step.serialize();
  broadcast_bytes(*mesh_.tp, bytes);
  process(bytes, step);
}

StepOutput Worker::collect() {
  if (!last()) {
    const TraceSpan span(mesh_.trace, "collect");
    Bytes bytes = receive_bytes(*mesh_.pp, mesh_.pp->size() - 1);
    keep(take_off(bytes));
    auto output = StepOutput::deserialize(bytes);
    KERF_CHECK(output.ok(), output.ok() ? "" : output.error().message);
    return std::move(output).value();
  }
  KERF_CHECK(!answered_.empty(), "collect() without a step");
  StepOutput output = std::move(answered_.front());
  answered_.erase(answered_.begin());
  return output;
}

void Worker::serve() {
  for (bool stop = false; !stop;) {
    const Bytes bytes = receive();
    const Result<Step> step = Step::deserialize(bytes);
    KERF_CHECK(step.ok(), step.ok() ? "" : step.error().message);
    process(bytes, *step);
    stop = step->stop;
  }
}

Bytes Worker::receive() {
  const TraceSpan span(mesh_.trace, "wait");
  Bytes bytes;
  if (first()) {
    broadcast_bytes(*mesh_.tp, bytes);
  } else {
    bytes = receive_bytes(*mesh_.pp, mesh_.stage - 1);
    keep(take_off(bytes));
  }
  return bytes;
}

void Worker::process(const Bytes& bytes, const Step& step) {
  if (mesh_.trace != nullptr) mesh_.trace->set_step(step.id);
  const TraceSpan span(mesh_.trace, "step", static_cast<int64_t>(step.tokens.size()));
  const Status valid = step.check(bounds_);
  KERF_CHECK(valid.ok(), valid.ok() ? "" : valid.error().message);
  const int64_t begin_ns = trace_now_ns();
  const CommTimes comm_before = comm_times();
  if (!last()) {
    Bytes message = bytes;
    append(message, first() ? std::vector<StepTiming>() : std::exchange(timings_, {}));
    send_bytes(*mesh_.pp, message, mesh_.stage + 1);
  }
  if (step.spans.empty()) return;
  compute(step);
  note(step, begin_ns, comm_before);
}

void Worker::compute(const Step& step) {
  const std::vector<int32_t> positions = step.positions();
  const std::vector<int64_t> wanted = step.wanted_rows();
  std::vector<const int32_t*> block_tables;
  for (const SequenceSpan& span : step.spans) {
    block_tables.insert(block_tables.end(), static_cast<size_t>(span.tokens), step.blocks_of(span).data());
  }
  const Batch batch{.ids = step.tokens, .positions = positions, .block_tables = block_tables, .logit_rows = wanted};
  auto* hidden = reinterpret_cast<float*>(hidden_.data());
  const int64_t elements = tp_.own_tokens(batch.tokens()).size() * stage_.hidden_size();

  if (!first()) mesh_.pp->recv(Tensor(hidden, {elements}), mesh_.stage - 1);
  {
    const TraceSpan span(mesh_.trace, "forward", batch.tokens());
    stage_.forward(tp_, batch, hidden);
  }
  if (!last()) {
    mesh_.pp->send(ConstTensor(hidden, {elements}), mesh_.stage + 1);
    return;
  }
  logits_.resize(wanted.size() * static_cast<size_t>(stage_.vocab_size()));
  if (!wanted.empty()) {
    const TraceSpan span(mesh_.trace, "logits", static_cast<int64_t>(wanted.size()));
    stage_.logits(tp_, batch, hidden, logits_.data());
  }
  if (mesh_.tp_rank == 0) answer(step, batch.logit_rows.size());
}

void Worker::answer(const Step& step, size_t rows) {
  StepOutput output = [&] {
    const TraceSpan span(mesh_.trace, "sample", static_cast<int64_t>(rows));
    return sampler_.answer(step, logits_);
  }();
  if (first()) {
    answered_.push_back(std::move(output));
  } else {
    Bytes message = output.serialize();
    append(message, std::exchange(timings_, {}));
    send_bytes(*mesh_.pp, message, 0);
  }
}

CommTimes Worker::comm_times() const {
  CommTimes times{};
  for (const Communicator* group : {mesh_.tp.get(), mesh_.pp.get()}) {
    if (group->size() == 1) continue;
    for (size_t op = 0; op < kCommOps; ++op) times[op] += std::llround(group->stats().by_op[op].seconds * 1e9);
  }
  return times;
}

void Worker::note(const Step& step, int64_t begin_ns, const CommTimes& comm_before) {
  StepTiming timing{.step = step.id,
                    .rank = mesh_.all->rank(),
                    .tokens = static_cast<int32_t>(step.tokens.size()),
                    .begin_ns = begin_ns,
                    .end_ns = trace_now_ns(),
                    .comm_ns = comm_times()};
  for (size_t op = 0; op < kCommOps; ++op) timing.comm_ns[op] -= comm_before[op];
  keep({timing});
}

// Ranks whose timings nobody takes, tp ranks but the first, forget the older ones.
void Worker::keep(const std::vector<StepTiming>& timings) {
  timings_.insert(timings_.end(), timings.begin(), timings.end());
  if (timings_.size() > kMaxTimings) timings_.erase(timings_.begin(), timings_.begin() + kMaxTimings / 2);
}

}  // namespace kerf
