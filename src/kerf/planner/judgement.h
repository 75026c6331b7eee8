// Judgement: what a plan and the other cuts of the same devices are predicted to do, under every load in question.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "kerf/planner/advice.h"

namespace kerf {

// The better plan that a finding names.
struct Better {
  Plan plan;
  double loss_percent = 0;  // of the own plan against it, the geometric mean over the loads
  size_t load = 0;          // where it is most
};

// The loads that a subject is judged under: the stated one, or where nothing is stated a quiet and a busy one.
[[nodiscard]] std::vector<Workload> judged_loads(const AdviceSubject& subject);

class Judgement {
 public:
  // Keeps a reference. REQUIRES: the plan passes check_divisibility() and there are devices enough
  explicit Judgement(const AdviceSubject& subject);

  [[nodiscard]] const AdviceSubject& subject() const { return subject_; }
  [[nodiscard]] const std::vector<Workload>& loads() const { return loads_; }
  // The own plan under each load.
  [[nodiscard]] const std::vector<Prediction>& own() const { return own_; }
  [[nodiscard]] bool fits() const { return own_.front().fits; }

  using Filter = std::function<bool(const Plan&)>;
  // The plan on exactly `devices` devices that gains most over all loads; none when none gains or starts.
  [[nodiscard]] std::optional<Better> best(int devices, const Filter& filter = {}) const;
  // The best that works, whether or not it gains: on `devices` devices, or on as many as it takes.
  [[nodiscard]] std::optional<Plan> repair(int devices, const Filter& filter = {}) const;
  // Makes the finding's remedy out of repair(), with a shorter context where none works without.
  void repair(Advice& advice, int devices, const Filter& filter = {}) const;

  // Whether the engine starts: the plan fits, and vLLM finds room for one sequence of the greatest length.
  [[nodiscard]] bool starts(const Prediction& prediction) const;

  // Another plan under a load; and the loss, in per cent, of one against the other.
  [[nodiscard]] Prediction predict(const Plan& plan, size_t load = 0) const;
  // The same if memory were no limit.
  [[nodiscard]] Prediction with_room(const Plan& plan, size_t load = 0) const;
  [[nodiscard]] double loss_percent(const Prediction& own, const Prediction& other, size_t load = 0) const;

 private:
  [[nodiscard]] std::vector<Plan> cuts(int devices) const;
  [[nodiscard]] std::optional<Better> compare(const Plan& plan) const;
  [[nodiscard]] std::optional<Plan> best_working(int devices, const Filter& filter, bool any_length) const;

  const AdviceSubject& subject_;
  std::vector<Workload> loads_;
  std::vector<CostModel> models_;  // [loads]
  std::vector<Prediction> own_;    // [loads]
};

// The longest length that a person would write, a multiple of 1024 (of 256 when short), for which `tokens` have room.
[[nodiscard]] int64_t round_length(double tokens);

// The machine with room for anything: what links and speeds cost, memory aside.
[[nodiscard]] MachineSpec roomy(MachineSpec machine);

// "16 requests at a time of 1024 + 256 tokens"
[[nodiscard]] std::string describe(const Workload& workload);
// "tp 4 × pp 2"
[[nodiscard]] std::string describe(const Plan& plan);

}  // namespace kerf
