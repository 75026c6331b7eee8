#include "kerf/serve/seeing/status.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

namespace kerf {

namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, double per_unit = 1e3) { return std::round(value * per_unit) / per_unit; }
double ms(double seconds) { return rounded(seconds * 1e3); }

std::string_view name_of_basis(Basis basis) {
  switch (basis) {
    case Basis::kMeasured: return "measured";
    case Basis::kPublished: return "published";
    case Basis::kAssumed: break;
  }
  return "assumed";
}

Json device_json(const MachineSpec& machine, const Device& device) {
  const DeviceKind& kind = machine.device_kinds.at(static_cast<size_t>(device.kind));
  return {{"name", device.name},
          {"kind", kind.name},
          {"cpus", device.cpus},
          {"memory_gb", rounded(kind.memory_bytes / 1e9, 10)},
          {"gb_per_s", rounded(kind.memory_gb_per_s, 10)}};
}

Json machine_json(const MachineSpec& machine) {
  const auto device_name = [&](int index) { return machine.devices.at(static_cast<size_t>(index)).name; };
  const auto kind_name = [&](int index) { return machine.link_kinds.at(static_cast<size_t>(index)).name; };
  Json hosts = Json::array();
  for (int node = 0; node < machine.num_nodes(); ++node) {
    Json devices = Json::array();
    for (const Device& device : machine.devices) {
      if (device.node == node) devices.push_back(device_json(machine, device));
    }
    hosts.push_back({{"name", machine.node_names[static_cast<size_t>(node)]}, {"devices", std::move(devices)}});
  }
  Json links = Json::array();
  for (const Link& link : machine.links) {
    links.push_back({{"a", device_name(link.a)},
                     {"b", device_name(link.b)},
                     {"kind", kind_name(link.kind)},
                     {"gb_per_s", rounded(link.gb_per_s, 100)},
                     {"latency_us", rounded(link.latency_us, 100)}});
  }
  for (const Network& network : machine.networks) {
    links.push_back({{"a", network.name},
                     {"b", fmt::format("{} hosts", network.nodes.size())},
                     {"kind", kind_name(network.kind)},
                     {"gb_per_s", rounded(network.gb_per_s_node, 100)},
                     {"latency_us", rounded(network.latency_us, 100)}});
  }
  return {{"name", machine.name},     {"basis", name_of_basis(machine.basis)}, {"cpu", machine.host.cpu},
          {"isa", machine.host.isa},  {"cores", machine.host.cores},           {"hosts", std::move(hosts)},
          {"links", std::move(links)}};
}

// A row per rank; a step is [begin, compute, communication, tokens], in ms, begin counted back from the newest end.
Json timeline_json(const std::deque<StepRecord>& steps, int tp) {
  double newest = 0;
  for (const StepRecord& step : steps) newest = std::max(newest, step.end_s);
  std::map<int, Json> rows;
  for (const StepRecord& step : steps) {
    Json& row = rows.try_emplace(step.rank, Json::array()).first->second;
    const double seconds = step.end_s - step.begin_s;
    const double comm = std::clamp(step.comm_s, 0.0, seconds);
    row.push_back({ms(step.begin_s - newest), ms(seconds - comm), ms(comm), step.tokens});
  }
  Json ranks = Json::array();
  for (auto& [rank, row] : rows) {
    ranks.push_back({{"rank", rank}, {"stage", rank / tp}, {"tp_rank", rank % tp}, {"steps", std::move(row)}});
  }
  return ranks;
}

// Means over the steps that have a prediction, so that the two can be compared; over all when none has.
Json steps_json(const std::deque<StepRecord>& steps) {
  const bool predicted = std::any_of(steps.begin(), steps.end(), [](const auto& step) { return step.predicted_s > 0; });
  double measured_s = 0;
  double predicted_s = 0;
  int64_t count = 0;
  for (const StepRecord& step : steps) {
    if (predicted && step.predicted_s <= 0) continue;
    measured_s += step.end_s - step.begin_s;
    predicted_s += step.predicted_s;
    ++count;
  }
  if (count == 0) return {{"measured_ms", nullptr}, {"predicted_ms", nullptr}};
  const auto mean = [&](double sum) { return ms(sum / static_cast<double>(count)); };
  return {{"measured_ms", mean(measured_s)}, {"predicted_ms", predicted ? Json(mean(predicted_s)) : Json(nullptr)}};
}

Json replica_json(const ReplicaStatus& replica, int index, int tp, double now_s) {
  const ReplicaReport& report = replica.report;
  const double queries = static_cast<double>(report.prefix_queries);
  Json comm;
  for (size_t op = 0; op < kCommOps; ++op) {
    if (report.comm_s[op] > 0) comm[std::string(name_of(static_cast<CommOp>(op)))] = rounded(report.comm_s[op]);
  }
  return {{"index", index},
          {"state", name_of(replica.state)},
          {"why", replica.why},
          {"for_s", rounded(std::max(0.0, now_s - replica.since_s), 10)},
          {"restarts", replica.restarts},
          {"pids", replica.pids},
          {"running", report.running},
          {"waiting", report.waiting},
          {"blocks", {{"used", report.blocks_used}, {"cached", report.blocks_cached}, {"free", report.blocks_free}}},
          {"prefix_hit_rate",
           queries > 0 ? Json(rounded(static_cast<double>(report.prefix_hits) / queries)) : Json(nullptr)},
          {"preemptions", report.preemptions},
          {"comm_fraction", rounded(replica.shares.comm, 1e4)},
          {"bubble_fraction", rounded(replica.shares.bubble, 1e4)},
          {"comm_s", comm.is_null() ? Json::object() : comm},
          {"step", steps_json(replica.steps)},
          {"ranks", timeline_json(replica.steps, tp)}};
}

Json quantiles_json(const LiveRates::Quantiles& seconds) {
  if (seconds.p50 == 0) return nullptr;
  return {{"p50", ms(seconds.p50)}, {"p95", ms(seconds.p95)}};
}

Json or_null(double value) { return value > 0 ? Json(rounded(value)) : Json(nullptr); }

}  // namespace

std::string status_json(const ServerStatus& status, double now_s) {
  const ServerFacts& facts = status.facts;
  const Plan& plan = facts.plan;
  Json replicas = Json::array();
  int64_t running = 0;
  int64_t waiting = 0;
  for (const ReplicaStatus& replica : status.replicas) {
    running += replica.report.running;
    waiting += replica.report.waiting;
    replicas.push_back(replica_json(replica, static_cast<int>(replicas.size()), plan.tp, now_s));
  }
  const Json document = {
      {"version", facts.version},
      {"model", facts.model},
      {"uptime_s", rounded(now_s - facts.started_s, 10)},
      {"format",
       {{"dtype", facts.dtype},
        {"quantization", facts.quantization},
        {"kv_cache_dtype", facts.kv_cache_dtype},
        {"max_model_len", facts.max_model_len}}},
      {"plan", {{"tp", plan.tp}, {"pp", plan.pp}, {"dp", plan.dp}, {"ep", plan.ep}, {"sp", plan.sp}}},
      {"why", facts.why},
      {"machine", facts.machine ? machine_json(*facts.machine) : Json(nullptr)},
      {"predicted",
       {{"tokens_per_s", or_null(facts.predicted_tokens_per_s)},
        {"ttft_ms", or_null(facts.predicted_ttft_ms)},
        {"tpot_ms", or_null(facts.predicted_tpot_ms)}}},
      {"live",
       {{"tokens_per_s", rounded(status.live.tokens_per_s, 10)},
        {"prompt_tokens_per_s", rounded(status.live.prompt_tokens_per_s, 10)},
        {"requests_per_s", rounded(status.live.requests_per_s, 10)},
        {"ttft_ms", quantiles_json(status.live.ttft_s)},
        {"tpot_ms", quantiles_json(status.live.tpot_s)},
        {"queue", status.queue_depth},
        {"running", running},
        {"waiting", waiting},
        {"tokens_by_second", status.live.tokens_by_second}}},
      {"replicas", std::move(replicas)}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace kerf
