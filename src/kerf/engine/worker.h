// Worker: one rank of a replica at work: takes a step, computes its stage, hands the hidden states on.
//
//   rank 0 ──step──▶ stage 0 ──step, hidden──▶ stage 1 ── … ──▶ last stage ──output──▶ rank 0
//
// Between stages, tp rank r talks to tp rank r. Sends return before the receiver has computed, so as many steps
// may be in flight as there are stages.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kerf/engine/slot_sampler.h"
#include "kerf/engine/step.h"
#include "kerf/engine/step_timing.h"
#include "kerf/mesh/mesh.h"
#include "kerf/model/stage.h"

namespace kerf {

class Worker {
 public:
  // Keeps references to mesh and stage. max_tokens: the most in one step. vocabulary: for the rank that samples.
  Worker(Mesh& mesh, const Plan& plan, Stage& stage, int64_t max_tokens, const StepBounds& bounds,
         SamplingVocabulary vocabulary = {});

  // Rank 0: starts a step and computes stage 0 of it. Every rank of stage 0 takes part.
  void submit(const Step& step);
  // Rank 0: the answer to the oldest step that has none yet. REQUIRES: there is one.
  [[nodiscard]] StepOutput collect();

  // Rank 0: what steps have taken on tp rank 0 of every stage, as far as it has been told and since it was last asked
  // (the newest kMaxTimings of it).
  [[nodiscard]] std::vector<StepTiming> take_timings() { return std::exchange(timings_, {}); }
  static constexpr size_t kMaxTimings = 4096;

  // The other ranks: takes part in steps until one says stop.
  void serve();

 private:
  [[nodiscard]] Bytes receive();
  void process(const Bytes& bytes, const Step& step);
  void compute(const Step& step);
  void answer(const Step& step, size_t rows);
  void note(const Step& step, int64_t begin_ns, const CommTimes& comm_before);
  void keep(const std::vector<StepTiming>& timings);
  [[nodiscard]] CommTimes comm_times() const;

  [[nodiscard]] bool first() const { return mesh_.stage == 0; }
  [[nodiscard]] bool last() const { return mesh_.stage + 1 == mesh_.pp->size(); }

  Mesh& mesh_;
  Stage& stage_;
  TensorParallel tp_;
  StepBounds bounds_;
  SlotSampler sampler_;  // the last stage's tp rank 0 samples
  Buffer hidden_;        // [own tokens, hidden] f32
  std::vector<float> logits_;
  std::vector<StepTiming> timings_;   // to hand on, or on rank 0 to be taken
  std::vector<StepOutput> answered_;  // when the last stage is on rank 0: not yet collected, oldest first
};

}  // namespace kerf
