#include "kerf/io/topology/machine_json.h"

#include <nlohmann/json.hpp>

#include "kerf/io/topology/domains.h"
#include "kerf/io/topology/host_json.h"

namespace kerf {

namespace {

using Json = nlohmann::ordered_json;

Json to_json(const DeviceKind& kind) {
  Json object = {{"name", kind.name},
                 {"memory_bytes", kind.memory_bytes},
                 {"memory_gb_per_s", kind.memory_gb_per_s},
                 {"bf16_tflops", kind.bf16_tflops},
                 {"fp8_tflops", kind.fp8_tflops},
                 {"int8_tops", kind.int8_tops},
                 {"fp4_tflops", kind.fp4_tflops},
                 {"usd_per_hour", kind.usd_per_hour},
                 {"fabric", kind.fabric},
                 {"compute_capability", kind.compute_capability},
                 {"basis", name_of(kind.basis)},
                 {"source", kind.source},
                 {"matmul", Json::array()}};
  for (const RatePoint& point : kind.matmul) {
    object["matmul"].push_back({{"format", point.format}, {"rows", point.rows}, {"gflops", point.gflops}});
  }
  return object;
}

Json to_json(const LinkKind& kind) {
  return {{"name", kind.name},
          {"gb_per_s", kind.gb_per_s},
          {"gb_per_s_each", kind.gb_per_s_each},
          {"latency_us", kind.latency_us},
          {"fast", kind.fast},
          {"basis", name_of(kind.basis)},
          {"source", kind.source}};
}

Json devices_to_json(const MachineSpec& machine) {
  Json list = Json::array();
  for (const Device& device : machine.devices) {
    list.push_back({{"index", list.size()},
                    {"name", device.name},
                    {"kind", machine.device_kinds[static_cast<size_t>(device.kind)].name},
                    {"node", device.node},
                    {"numa", device.numa},
                    {"cpus", device.cpus}});
  }
  return list;
}

Json links_to_json(const MachineSpec& machine) {
  Json list = Json::array();
  for (const Link& link : machine.links) {
    list.push_back({{"a", link.a},
                    {"b", link.b},
                    {"kind", machine.link_kinds[static_cast<size_t>(link.kind)].name},
                    {"width", link.width},
                    {"gb_per_s", link.gb_per_s},
                    {"latency_us", link.latency_us}});
  }
  return list;
}

Json nics_to_json(const MachineSpec& machine) {
  Json list = Json::array();
  for (const Nic& nic : machine.nics) list.push_back({{"name", nic.name}, {"node", nic.node}, {"paths", nic.paths}});
  return list;
}

Json networks_to_json(const MachineSpec& machine) {
  Json list = Json::array();
  for (const Network& network : machine.networks) {
    list.push_back({{"name", network.name},
                    {"kind", machine.link_kinds[static_cast<size_t>(network.kind)].name},
                    {"nodes", network.nodes},
                    {"gb_per_s_node", network.gb_per_s_node},
                    {"gb_per_s_device", network.gb_per_s_device},
                    {"latency_us", network.latency_us}});
  }
  return list;
}

}  // namespace

std::string_view name_of(Basis basis) {
  switch (basis) {
    case Basis::kMeasured: return "measured";
    case Basis::kPublished: return "published";
    case Basis::kAssumed: return "assumed";
  }
  return "";
}

nlohmann::ordered_json machine_to_json(const MachineSpec& machine) {
  Json document = {{"kerf_machine", 1}, {"name", machine.name}, {"basis", name_of(machine.basis)}};
  document["device_kinds"] = Json::array();
  for (const DeviceKind& kind : machine.device_kinds) document["device_kinds"].push_back(to_json(kind));
  document["link_kinds"] = Json::array();
  for (const LinkKind& kind : machine.link_kinds) document["link_kinds"].push_back(to_json(kind));
  document["nodes"] = machine.node_names;
  document["devices"] = devices_to_json(machine);
  document["links"] = links_to_json(machine);
  document["networks"] = networks_to_json(machine);
  document["nics"] = nics_to_json(machine);
  document["domains"] = machine.domains;
  document["domain_classes"] = Json::array();
  for (const auto& domain : machine.domains) {
    document["domain_classes"].push_back(name_of(classify_domain(machine, domain)));
  }
  document["host"] = host_to_json(machine.host);
  document["notes"] = machine.notes;
  return document;
}

}  // namespace kerf
