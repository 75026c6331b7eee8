#include "kerf/io/topology/machine_json.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "kerf/io/topology/gpu_cluster.h"
#include "tests/support/errors.h"

namespace kerf {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

// Every field another than its default.
MachineSpec full_machine() {
  MachineSpec machine = gpu_cluster({.gpu = "V100-32G-SXM", .gpus_per_node = 8, .nodes = 2}).value();
  machine.basis = Basis::kMeasured;
  machine.devices[3].numa = 1;
  machine.devices[3].cpus = "0-7,16-23";
  machine.device_kinds[0].matmul = {{.format = "bf16", .rows = 16, .gflops = 211.25}};
  machine.device_kinds[0].usd_per_hour = 1.0 / 3;
  machine.nics = {{.name = "mlx5_0", .node = 1, .paths = {"PIX", "SYS"}}};
  machine.host.read_gb_per_s = {43.5, 81.7};
  machine.host.file_gb_per_s = 5.1;
  machine.host.collectives = {{.op = "all_reduce", .transport = "shm", .ranks = 2, .bytes = {8, 64}, .us = {0.6, 0.7}}};
  return machine;
}

TEST(MachineJson, RoundTripsEveryField) {
  const MachineSpec machine = full_machine();
  const std::string text = machine_to_json(machine).dump();
  const auto read = parse_machine_json(text, "m.json");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_TRUE(*read == machine);
  EXPECT_EQ(machine_to_json(*read).dump(), text);
}

TEST(MachineJson, IsWhatTopoPromises) {
  const auto json = machine_to_json(full_machine());
  EXPECT_EQ(json.at("devices").size(), 16);
  EXPECT_EQ(json.at("links").at(0).at("a"), 0);
  EXPECT_EQ(json.at("links").at(0).at("b"), 1);
  EXPECT_EQ(json.at("links").at(0).at("kind"), "NVLink2");
  EXPECT_EQ(json.at("links").at(0).at("gb_per_s"), 25);
  EXPECT_EQ(json.at("domains").size(), 2);
  EXPECT_EQ(json.at("domain_classes").at(0), "cube mesh");
}

TEST(MachineJson, AShortOneWrittenByHandIsEnough) {
  const auto machine = parse_machine_json(R"({"kerf_machine": 1, "nodes": ["here"],
    "device_kinds": [{"name": "x", "memory_bytes": 1e10, "memory_gb_per_s": 100}],
    "link_kinds": [{"name": "wire", "gb_per_s": 10, "latency_us": 1, "fast": true}],
    "devices": [{"name": "d0", "kind": "x"}, {"name": "d1", "kind": "x"}], "links": [{"a": 0, "b": 1, "kind": "wire"}]})",
                                          "m.json");
  ASSERT_TRUE(machine.ok()) << machine.error().message;
  EXPECT_EQ(machine->domains.size(), 1);
  EXPECT_EQ(machine->links[0].gb_per_s, 10);
}

TEST(MachineJson, SaysWhatIsWrong) {
  const auto error_after = [](const char* pointer, const nlohmann::ordered_json& value) {
    nlohmann::ordered_json json = machine_to_json(full_machine());
    json[nlohmann::ordered_json::json_pointer(pointer)] = value;
    return error_of(parse_machine_json(json.dump(), "m.json"));
  };
  EXPECT_THAT(error_after("/kerf_machine", 2), HasSubstr("m.json: 'kerf_machine' is 2"));
  EXPECT_THAT(error_after("/color", "red"), HasSubstr("m.json: unknown field 'color'"));
  EXPECT_THAT(error_after("/devices/2/kind", "Z"), HasSubstr("m.json: devices[2]: 'kind' is 'Z'"));
  EXPECT_THAT(error_after("/devices/9/node", 0), HasSubstr("devices[9]: 'node'"));
  EXPECT_THAT(error_after("/links/0/b", 8), HasSubstr("links[0]: 'b' is 8; expected a device of the same node"));
  EXPECT_THAT(error_after("/links/1/b", 1), HasSubstr("links[1]: 'b' is 1; expected each pair once"));
  EXPECT_THAT(error_after("/links/0/gb_per_s", 0), HasSubstr("links[0]: 'gb_per_s'"));
  EXPECT_THAT(error_after("/networks/0/nodes", {0, 0}), HasSubstr("networks[0]: 'nodes'"));
  EXPECT_THAT(error_after("/host/collectives/0/us", {1}), HasSubstr("collectives[0]: 'us'"));
  EXPECT_THAT(error_after("/host/collectives/0/bytes", {9, 8}), HasSubstr("ascending"));
  EXPECT_THAT(error_after("/link_kinds/1/name", "NVLink2"), HasSubstr("link_kinds[1]: 'name'"));
  EXPECT_THAT(error_after("/devices", nlohmann::ordered_json::array()), HasSubstr("at least one device"));
  EXPECT_THAT(error_of(parse_machine_json("{}", "m.json")), HasSubstr("not a machine of kerf's"));
  EXPECT_THAT(error_of(parse_machine_json("[1]", "m.json")), HasSubstr("m.json"));
}

}  // namespace
}  // namespace kerf
