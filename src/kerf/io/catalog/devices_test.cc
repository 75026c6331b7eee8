#include "kerf/io/catalog/devices.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/support/errors.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temp_dir.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;

TEST(Catalog, FindsAGpuByAnyOfItsNames) {
  for (const char* name : {"H100-SXM", "h100_sxm", "H100", "NVIDIA H100 80GB HBM3"}) {
    EXPECT_EQ(find_device(name).value().name, "H100-SXM") << name;
  }
  EXPECT_EQ(find_device("Tesla P100-SXM2-16GB").value().name, "P100-16G-SXM");
  EXPECT_EQ(find_device("AMD Instinct MI300X").value().name, "MI300X");
}

// FIELD.md, section 2: per direction and GPU. Vendors quote both directions.
TEST(Catalog, LinksCountOneDirection) {
  const std::pair<const char*, double> expected[] = {{"NVLink3", 300}, {"NVLink4", 450},        {"NVLink5", 900},
                                                     {"PCIe4", 31.5},  {"PCIe5", 63},           {"InfiniBand-HDR", 25},
                                                     {"NDR", 50},      {"NVLink3-GA102", 56.25}};
  for (const auto& [name, gb_per_s] : expected) EXPECT_EQ(find_link(name).value().gb_per_s, gb_per_s) << name;
}

TEST(Catalog, PathsOverPcieAreDifferentDistances) {
  for (const std::string generation : {"PCIe3", "PCIe4", "PCIe5", "PCIe6"}) {
    LinkKind nearer = find_link(generation + "-PIX").value();
    for (const char* path : {"-PXB", "-PHB", "-NODE", "-SYS"}) {
      const LinkKind kind = find_link(generation + path).value();
      EXPECT_LT(kind.gb_per_s, nearer.gb_per_s) << kind.name;
      EXPECT_GT(kind.latency_us, nearer.latency_us) << kind.name;
      EXPECT_FALSE(kind.fast);
      nearer = kind;
    }
  }
}

TEST(Catalog, EveryRowIsWholeAndItsLinksExist) {
  const std::vector<CatalogDevice> devices = catalog_devices().value();
  EXPECT_GE(devices.size(), 17);
  std::set<std::string> names;
  for (const CatalogDevice& device : devices) {
    EXPECT_TRUE(names.insert(device.kind.name).second) << device.kind.name;
    EXPECT_FALSE(device.kind.source.empty()) << device.kind.name;
    EXPECT_TRUE(find_link(device.kind.fabric).ok()) << device.kind.name;
    EXPECT_NE(find_catalog_link(device.network).value().ports, NetworkPorts::kNone) << device.kind.name;
    for (const std::string& alias : device.aliases) {
      EXPECT_EQ(find_device(alias).value().name, device.kind.name) << "another GPU answers to " << alias;
    }
  }
  for (const CatalogLink& link : catalog_links().value()) {
    EXPECT_FALSE(link.kind.source.empty()) << link.kind.name;
    EXPECT_TRUE(link.measured.empty() || !link.measured_source.empty()) << link.kind.name;
  }
}

TEST(Catalog, AnUnknownNameListsWhatIsNear) {
  EXPECT_THAT(error_of(find_device("A100-80GB")), AllOf(HasSubstr("no GPU 'A100-80GB'"), HasSubstr("A100-80G-SXM")));
  EXPECT_THAT(error_of(find_device("abacus")), AllOf(HasSubstr("it knows"), HasSubstr("H100-SXM")));
  EXPECT_THAT(error_of(find_link("NVLink9")), AllOf(HasSubstr("no link 'NVLink9'"), HasSubstr("NVLink4")));
}

class OwnCatalog : public ::testing::Test {
 protected:
  OwnCatalog() { setenv("KERF_CATALOG", dir_.path().c_str(), 1); }
  ~OwnCatalog() override { unsetenv("KERF_CATALOG"); }
  void write(const char* file, const std::string& text) { testing::write_file(dir_.path() / file, text); }
  testing::TempDir dir_;
};

TEST_F(OwnCatalog, AddingAGpuIsEditingAFile) {
  write("gpus.json", R"({"gpus": [{"name": "X1", "generation": "X", "memory_bytes": 1e9, "memory_gb_per_s": 100,
      "bf16_tflops": 10, "pcie": "PCIe4", "network": "Ethernet-10G", "source": "me",
      "bridge": {"kind": "NVLink4", "links": 2}}]})");
  const CatalogDevice device = find_catalog_device("x1").value();
  EXPECT_EQ(device.kind.memory_gb_per_s, 100);
  EXPECT_EQ(device.kind.fabric, "PCIe4");
  EXPECT_EQ(device.bonded, "NVLink4");
}

TEST_F(OwnCatalog, SaysWhichRowIsWrong) {
  write("gpus.json", R"({"gpus": [{"name": "X1", "memory_byte": 1}]})");
  EXPECT_THAT(error_of(find_device("X1")), AllOf(HasSubstr("gpus.json: X1: unknown field 'memory_byte'")));
  write("gpus.json", "[]");
  EXPECT_THAT(error_of(find_device("X1")), HasSubstr("gpus.json: expected an object with a list 'gpus'"));
  write("links.json", R"({"links": [{"name": "L", "gb_per_s": -1}]})");
  EXPECT_THAT(error_of(find_link("L")), HasSubstr("links.json: L: 'gb_per_s' is -1"));
}

}  // namespace
}  // namespace kerf
