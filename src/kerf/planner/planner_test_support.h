// A model, machines and a cost model small enough to reason about in a test.
#pragma once

#include <algorithm>
#include <numeric>
#include <string>

#include "kerf/planner/memory.h"
#include "kerf/planner/search.h"

namespace kerf {

// 8 layers of 8 heads, 1 GB of weights.
inline ModelShape toy_model() {
  LayerShape layer;
  layer.attention = {.heads = 8,
                     .kv_heads = 8,
                     .head_dim = 128,
                     .v_head_dim = 128,
                     .column_params = 15'000'000,
                     .kv_column_params = 10'000'000,
                     .row_params = 5'000'000};
  layer.mlp = {.intermediate = 4096, .dense_params = 40'000'000};
  ModelShape model;
  model.name = "toy";
  model.hidden_size = 1024;
  model.vocab_size = 8192;
  model.max_positions = 32768;
  model.embedding_params = model.head_params = 1024 * 8192;
  model.kinds = {layer};
  model.layers.assign(8, 0);
  return model;
}

inline void make_moe(ModelShape& model, int64_t experts) {
  MlpShape& mlp = model.kinds[0].mlp;
  mlp = {
      .experts = experts, .experts_per_token = 2, .expert_intermediate = 1024, .expert_params = 40'000'000 / experts};
}

// `nodes` nodes of `per_node` devices of 80 GB that one fabric joins.
inline MachineSpec toy_machine(int nodes, int per_node) {
  MachineSpec machine;
  machine.name = "toy";
  machine.device_kinds = {
      {.name = "toy", .memory_bytes = 80e9, .memory_gb_per_s = 100, .bf16_tflops = 10, .basis = Basis::kPublished}};
  machine.link_kinds = {{.name = "fabric", .gb_per_s = 1, .latency_us = 5, .fast = true},
                        {.name = "net", .gb_per_s = 0.1, .latency_us = 50}};
  for (int node = 0; node < nodes; ++node) {
    machine.node_names.push_back("node" + std::to_string(node));
    machine.domains.emplace_back();
    for (int i = 0; i < per_node; ++i) {
      const int device = machine.num_devices();
      for (const int other : machine.domains.back()) {
        machine.links.push_back({.a = other, .b = device, .kind = 0, .gb_per_s = 1, .latency_us = 5});
      }
      machine.devices.push_back({.name = "GPU" + std::to_string(i), .node = node});
      machine.domains.back().push_back(device);
    }
  }
  if (nodes > 1) {
    machine.networks = {{.name = "net0", .kind = 1, .gb_per_s_node = 0.1, .gb_per_s_device = 0.1, .latency_us = 50}};
    machine.networks[0].nodes.resize(static_cast<size_t>(nodes));
    std::iota(machine.networks[0].nodes.begin(), machine.networks[0].nodes.end(), 0);
  }
  return machine;
}

inline PlanProblem toy_problem(int devices) {
  PlanProblem problem{.model = toy_model(), .machine = toy_machine(1, devices)};
  problem.workload.concurrency = 64;
  return problem;
}

// Decode: weights over bandwidth, 0.5 ms of arithmetic per sequence, two all-reduces per layer, hand-offs.
inline MakePredictor toy_predictor() {
  return [](const ModelShape& model, const MachineSpec& machine, const EngineSpec& engine, const Workload& workload) {
    return Predictor([=](const Plan& plan) {
      Prediction p;
      p.plan = plan;
      const DeviceKind& device = machine.device_kinds[0];
      p.memory = plan_memory(model, device, engine, plan, workload);
      p.fits = p.memory.fits;
      p.why = p.memory.why;
      if (!p.fits) return p;
      const int per_node = machine.num_devices() / machine.num_nodes();
      const LinkKind& link = machine.link_kinds[plan.tp > per_node ? 1 : 0];
      const LinkKind& hop = machine.link_kinds[plan.tp * plan.pp > per_node ? 1 : 0];
      const double sequences = workload.concurrency / plan.dp;
      const double rows = sequences / plan.pp;
      const double layers = static_cast<double>(model.num_layers()) / plan.pp;
      const double bytes = rows * 2.0 * static_cast<double>(model.hidden_size);
      p.decode.weights_s = p.memory.weight_bytes / (1e9 * device.memory_gb_per_s) * plan.pp;
      p.decode.attention_s = 1e-6 * sequences * workload.isl / 1024 / plan.tp;
      p.decode.compute_s = 5e-4 * sequences / plan.tp;
      if (plan.tp > 1) {
        p.decode.all_reduce_s = 2 * layers * plan.pp * (1e-6 * link.latency_us + bytes / (1e9 * link.gb_per_s));
        if (plan.sp) p.decode.all_reduce_s *= 1.1;
      }
      p.decode.send_s = (plan.pp - 1) * (1e-6 * hop.latency_us + bytes / (1e9 * hop.gb_per_s));
      p.tpot_ms = 1e3 * p.decode.total();
      p.ttft_ms = 0.05 * workload.isl / plan.tp * (plan.tp > per_node ? 4 : 1);
      p.running = sequences;
      p.tokens_per_s = plan.dp * sequences / p.decode.total();
      p.requests_per_s = p.tokens_per_s / workload.osl;
      p.comm_fraction = p.decode.comm_s() / p.decode.total();
      p.usd_per_million_tokens = plan.ranks() * plan.dp * 1e6 / 3600 / p.tokens_per_s;
      p.relative_error = 0.1;
      p.basis = Basis::kPublished;
      return p;
    });
  };
}

}  // namespace kerf
