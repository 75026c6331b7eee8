#include "kerf/planner/roofline.h"

#include <algorithm>
#include <limits>
#include <string>

#include "kerf/planner/host_rates.h"

namespace kerf {

namespace {

int64_t head_params(const ModelShape& model) {
  return model.head_params > 0 ? model.head_params : model.embedding_params;
}

class Roofline final : public StepModel {
 public:
  Roofline(const ModelShape& model, const MachineSpec& machine, int threads)
      : model_(model),
        hosts_(std::max(1, machine.num_nodes())),
        threads_(std::min(threads, machine.host.cores)),
        bytes_per_s_(hosts_ * HostRates(machine.host).read_bytes_per_s(threads_)),
        weight_bytes_(weight_bytes_per_pass(model)) {
    const HostFigures& host = machine.host;
    head_s_ = 2 * static_cast<double>(head_params(model)) / flops(host, model.head_format.name);
    for (const int kind : model.layers) {
      const LayerShape& layer = model.kinds[static_cast<size_t>(kind)];
      token_s_ += 2 * static_cast<double>(layer.attention_params()) / flops(host, model.attention_format.name);
      token_s_ += 2 * static_cast<double>(layer.mlp.dense_params) / flops(host, model.mlp_format.name);
    }
  }

  [[nodiscard]] StepCost stage(const Plan& /*plan*/, const StageLayers& /*layers*/,
                               const StepShape& step) const override {
    const double reading = (weight_bytes_ + cache_bytes(step)) / bytes_per_s_;
    const double computing = step.tokens * token_s_ + step.sequences * head_s_;
    if (computing > reading) return {.compute_s = computing};
    return {.weights_s = reading};
  }
  [[nodiscard]] bool room(const Plan& /*plan*/) const override { return true; }
  [[nodiscard]] Basis basis() const override { return Basis::kMeasured; }
  [[nodiscard]] double relative_error() const override { return 0; }

 private:
  // The best of all shapes measured with that many threads or fewer; a format that was not measured costs nothing.
  [[nodiscard]] double flops(const HostFigures& host, const std::string& format) const {
    double best = 0;
    for (const MatmulPoint& point : host.matmul) {
      if (point.format == format && point.threads <= threads_) best = std::max(best, point.gflops * 1e9 * hosts_);
    }
    return best > 0 ? best : std::numeric_limits<double>::infinity();
  }

  // Each sequence's keys and values before this step, once.
  [[nodiscard]] double cache_bytes(const StepShape& step) const {
    double bytes = 0;
    for (const int kind : model_.layers) {
      const AttentionShape& a = model_.kinds[static_cast<size_t>(kind)].attention;
      const double context = a.window > 0 ? std::min(step.context, static_cast<double>(a.window)) : step.context;
      bytes += context * static_cast<double>(a.kv_heads * (a.head_dim + a.v_head_dim)) * model_.kv_bits / 8;
    }
    return std::max(0.0, bytes) * step.sequences;
  }

  const ModelShape& model_;
  int hosts_;
  int threads_;  // of one host
  double bytes_per_s_;
  double weight_bytes_;
  double token_s_ = 0;  // arithmetic of the layers for one token
  double head_s_ = 0;   // and of the head for one row of logits
};

}  // namespace

double weight_bytes_per_pass(const ModelShape& model) {
  double bytes = static_cast<double>(head_params(model)) * model.head_format.bits_per_weight() / 8;
  for (const int kind : model.layers) {
    const LayerShape& layer = model.kinds[static_cast<size_t>(kind)];
    bytes += static_cast<double>(layer.attention_params()) * model.attention_format.bits_per_weight() / 8;
    bytes += static_cast<double>(layer.mlp.dense_params) * model.mlp_format.bits_per_weight() / 8;
  }
  return bytes;
}

std::unique_ptr<const StepModel> make_roofline_model(const ModelShape& model, const MachineSpec& machine, int threads) {
  return std::make_unique<Roofline>(model, machine, threads);
}

}  // namespace kerf
