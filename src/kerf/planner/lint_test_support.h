// Machines, loads and expectations for the linter's tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kerf/io/topology/domains.h"
#include "kerf/io/topology/gpu_cluster.h"
#include "kerf/planner/lint.h"

namespace kerf {

// "H100-SXM x8", "H100-SXM x8 x2" (two nodes), "H100-SXM x8 x2 Ethernet-100G".
inline MachineSpec machine_of(const std::string& text) {
  ClusterShape shape{.gpu = text.substr(0, text.find(' ')), .gpus_per_node = 1, .nodes = 1, .network = ""};
  std::vector<std::string> parts;
  for (size_t begin = text.find(' '); begin != std::string::npos;) {
    const size_t end = text.find(' ', begin + 1);
    parts.push_back(text.substr(begin + 1, end == std::string::npos ? end : end - begin - 1));
    begin = end;
  }
  if (!parts.empty()) shape.gpus_per_node = std::stoi(parts[0].substr(1));
  if (parts.size() > 1) shape.nodes = std::stoi(parts[1].substr(1));
  if (parts.size() > 2) shape.network = parts[2];
  auto machine = gpu_cluster(shape);
  return machine.ok() ? *std::move(machine) : MachineSpec{};
}

// The machine with NVLink bridges between pairs of its cards; the rest of it as it was.
inline MachineSpec bridged(MachineSpec machine, const std::vector<std::pair<int, int>>& pairs) {
  const int bridge = static_cast<int>(machine.link_kinds.size());
  machine.link_kinds.push_back({.name = "NVLink3", .gb_per_s = 56, .gb_per_s_each = 14, .latency_us = 2, .fast = true});
  for (Link& link : machine.links) {
    for (const auto& [a, b] : pairs) {
      if (link.a != std::min(a, b) || link.b != std::max(a, b)) continue;
      link.kind = bridge;
      link.width = 4;
      link.gb_per_s = 56;
    }
  }
  find_domains(machine);
  return machine;
}

// One machine with cards of two kinds, joined by PCIe.
inline MachineSpec mixed(const std::string& gpu, int count, const std::string& other, int others) {
  MachineSpec machine = machine_of(gpu + " x" + std::to_string(count + others));
  machine.device_kinds.push_back(machine_of(other + " x1").device_kinds[0]);
  for (int device = count; device < count + others; ++device) {
    machine.devices[static_cast<size_t>(device)].kind = static_cast<int>(machine.device_kinds.size()) - 1;
  }
  return machine;
}

// "throughput c=64 isl=4000 osl=500 tpot=20 ttft=500": what is left out is not stated.
inline StatedLoad load_of(std::string_view text) {
  StatedLoad load;
  const auto after = [&](std::string_view name) -> double {
    const size_t at = text.find(name);
    return at == std::string_view::npos ? 0 : std::atof(text.data() + at + name.size());
  };
  for (const auto& [name, objective] :
       {std::pair{"latency", Objective::kLatency}, std::pair{"throughput", Objective::kThroughput},
        std::pair{"cost", Objective::kCost}}) {
    if (text.find(name) == std::string_view::npos) continue;
    load.objective = true;
    load.workload.objective = objective;
  }
  if (const double concurrency = after("c="); concurrency > 0) {
    load.concurrency = true;
    load.workload.concurrency = concurrency;
  }
  if (const double isl = after("isl="); isl > 0) load.workload.isl = isl;
  if (const double osl = after("osl="); osl > 0) load.workload.osl = osl;
  load.workload.slo_tpot_ms = after("tpot=");
  load.workload.slo_ttft_ms = after("ttft=");
  return load;
}

inline std::unique_ptr<LintReport> linted(const std::string& line, const MachineSpec& machine, const StatedLoad& load,
                                          const std::string& model = "") {
  auto report = lint(std::vector<std::string>{line}, machine, load, model);
  EXPECT_TRUE(report.ok()) << line << ": " << (report.ok() ? "" : report.error().message);
  return report.ok() ? *std::move(report) : std::make_unique<LintReport>();
}

inline std::string told(const LintReport& report) {
  std::string text;
  for (const Finding& f : report.findings) {
    text += fmt::format("\n  [{}] {:.1f} % {} -> {}", f.advice.id, f.advice.predicted_loss, f.advice.message, f.fix);
  }
  return text;
}

inline const Finding* find(const LintReport& report, const std::string& id) {
  for (const Finding& finding : report.findings) {
    if (finding.advice.id == id) return &finding;
  }
  return nullptr;
}

inline void expect_silence(const std::string& line, const MachineSpec& machine, const std::string& load = "") {
  const auto report = linted(line, machine, load_of(load));
  EXPECT_TRUE(report->findings.empty()) << line << told(*report);
}

// The finding is there, and its fix is a command without it.
inline void expect_finding(const std::string& id, const std::string& line, const MachineSpec& machine,
                           const std::string& load = "") {
  const auto report = linted(line, machine, load_of(load));
  const Finding* finding = find(*report, id);
  ASSERT_NE(finding, nullptr) << line << ": no " << id << " in" << told(*report);
  EXPECT_FALSE(finding->advice.message.empty());
  EXPECT_GT(finding->advice.predicted_loss, 0) << line << told(*report);
  EXPECT_LE(finding->advice.predicted_loss, 100);
  if (finding->fix.empty()) return;
  EXPECT_NE(finding->fix, line);
  const auto again = linted(finding->fix, machine, load_of(load));
  EXPECT_EQ(find(*again, id), nullptr) << line << "\n  became " << finding->fix << told(*again);
  EXPECT_FALSE(again->has_errors()) << line << "\n  became " << finding->fix << told(*again);
}

}  // namespace kerf
