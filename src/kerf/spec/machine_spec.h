// MachineSpec: the facts of a machine or cluster, as the planner needs them. Plain data; it is what
// `kerf topo` shows, `kerf probe` writes and `kerf plan --machine` reads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kerf {

// What a figure rests on, best first.
enum class Basis : uint8_t {
  kMeasured,   // by kerf, on the machine it describes
  kPublished,  // measured or specified by somebody else for this device or link
  kAssumed,    // derived, extrapolated, or a common rule of thumb
};

// How one kind of device computes in one format at one number of rows, measured.
struct RatePoint {
  std::string format;  // of the weights: "f32", "bf16", "f16", "fp8", "int8", "int4"
  int64_t rows = 1;    // M: tokens in the matmul
  double gflops = 0;   // 2·M·N·K / time
  bool operator==(const RatePoint&) const = default;
};

// A kind of device: a GPU as the catalogue knows it, or a share of a CPU's cores as probed.
struct DeviceKind {
  std::string name;            // "H100-SXM", "cpu"
  double memory_bytes = 0;     // usable by programs
  double memory_gb_per_s = 0;  // read bandwidth
  double bf16_tflops = 0;      // dense peak, 0 = unknown; the rest: 0 = no such units
  double fp8_tflops = 0;
  double int8_tops = 0;
  double fp4_tflops = 0;
  double usd_per_hour = 0;        // 0 = no price known
  std::string fabric;             // the link kind it comes with: "NVLink4", "PCIe4", "shm"
  int compute_capability = 0;     // NVIDIA: 80, 89, 90, 100; otherwise 0
  std::vector<RatePoint> matmul;  // measured efficiency curve; empty: the cost model's own
  Basis basis = Basis::kAssumed;
  std::string source;
  bool operator==(const DeviceKind&) const = default;
};

// A kind of link. A device's bandwidth over it counts one direction; vendors quote both.
struct LinkKind {
  std::string name;          // "NVLink4", "PCIe4-PHB", "InfiniBand-NDR"
  double gb_per_s = 0;       // per direction and device (NVLink: all of a device's links together)
  double gb_per_s_each = 0;  // NVLink, xGMI: of one of the links that NV# counts; 0 = not bonded
  double latency_us = 0;     // one way, small message
  bool fast = false;         // fast fabric: worth tensor parallelism for latency
  Basis basis = Basis::kAssumed;
  std::string source;
  bool operator==(const LinkKind&) const = default;
};

struct Device {
  std::string name;  // "GPU0", "node1/GPU3", "numa0"
  int kind = 0;      // index of MachineSpec::device_kinds
  int node = 0;
  int numa = -1;     // -1 = unknown
  std::string cpus;  // "0-31,64-95", empty = unknown
  bool operator==(const Device&) const = default;
};

// A path between two devices of one node.
struct Link {
  int a = 0;
  int b = 0;
  int kind = 0;         // index of MachineSpec::link_kinds
  int width = 0;        // bonded links: the # of NV#; 0 = does not apply
  double gb_per_s = 0;  // per direction
  double latency_us = 0;
  bool operator==(const Link&) const = default;
};

// A network card, as a topology shows it.
struct Nic {
  std::string name;  // "mlx5_0"
  int node = 0;
  std::vector<std::string> paths;  // to each device of its node: "PIX", "PXB", "PHB", "NODE", "SYS"; empty = unknown
  bool operator==(const Nic&) const = default;
};

// What joins nodes: every device of `nodes` reaches every other device of them.
struct Network {
  std::string name;  // "ib0"
  int kind = 0;      // index of MachineSpec::link_kinds
  std::vector<int> nodes;
  double gb_per_s_node = 0;    // per direction, all NICs of a node together
  double gb_per_s_device = 0;  // per direction, what one device alone can use
  double latency_us = 0;
  bool operator==(const Network&) const = default;
};

// A measured collective: time over size for one group.
struct CollectiveCurve {
  std::string op;         // "all_reduce", "all_gather", "reduce_scatter", "all_to_all", "send", "broadcast"
  std::string transport;  // "shm", "mpi", "nccl", …
  int ranks = 2;
  std::vector<double> bytes;  // ascending; of the whole tensor
  std::vector<double> us;     // median time of each
  bool operator==(const CollectiveCurve&) const = default;
};

// A matmul of kerf's own as a rank runs it, weights packed, measured.
struct MatmulPoint {
  std::string format;    // of the weights: "f32", "bf16", "f16"
  int64_t rows = 1;      // M
  int threads = 1;       // that share the work
  bool sliced = false;   // K in canonical slices, as row-parallel linears sum it (spec/reduction.h)
  int64_t inputs = 0;    // K
  double weight_mb = 0;  // 1e6 bytes of weights that are read in turn: those of a model that fits a cache stay there
  double gflops = 0;     // 2·M·N·K / time, all threads together
  bool operator==(const MatmulPoint&) const = default;
};

// Attention of one token over one KV head on one thread, measured.
struct AttentionPoint {
  std::string format;     // of the KV cache
  int64_t group = 1;      // query heads that share the KV head
  int64_t head_dim = 0;   // elements
  bool streamed = false;  // keys and values come from memory, not from a cache
  int64_t context = 0;    // positions seen
  double us = 0;
  bool operator==(const AttentionPoint&) const = default;
};

// Everything else that a pass does per element, on one thread: "norm", "add", "gate", "rope", "store", "embed", "copy",
// "sample", and "prepare_bf16" and its like, the matmul's reading of its input.
struct ElementCost {
  std::string op;
  double ns = 0;
  bool operator==(const ElementCost&) const = default;
};

// What probing one host found beside devices and links. The hosts of a cluster are taken to be alike.
struct HostFigures {
  std::string cpu;                    // as the operating system names it
  std::string isa;                    // kerf's kernel table: "avx512", …
  int cores = 0;                      // of one host, shared by its ranks; 0 = not probed
  double cache_bytes = 0;             // last level, all of the host's together; 0 = unknown
  std::vector<double> read_gb_per_s;  // [threads used - 1]: bandwidth of all of them together
  double file_gb_per_s = 0;           // reading a checkpoint, page cache warm
  std::vector<CollectiveCurve> collectives;
  std::vector<MatmulPoint> matmul;
  std::vector<AttentionPoint> attention;
  std::vector<ElementCost> elements;
  std::vector<double> fork_us;  // [threads - 1]: handing a loop to so many threads and waiting for them
  double step_us = 0;           // the engine's own work for one step
  double spread = 0;            // quartiles of the read bandwidth apart, by its median: how steady the machine is

  [[nodiscard]] bool probed() const { return cores > 0 && !matmul.empty(); }
  bool operator==(const HostFigures&) const = default;
};

struct MachineSpec {
  std::string name;
  std::vector<DeviceKind> device_kinds;
  std::vector<LinkKind> link_kinds;
  std::vector<Device> devices;  // those of a node are consecutive
  std::vector<Link> links;      // both ends in one node; each pair once, a < b
  std::vector<Network> networks;
  std::vector<Nic> nics;  // empty = unknown
  std::vector<std::string> node_names;

  // Sets of devices that fast links join, largest first; found from links, never from node boundaries.
  // A device without a fast link is a domain of its own. Filled by find_domains().
  std::vector<std::vector<int>> domains;

  HostFigures host;  // empty unless probed

  // What the description does not say and kerf assumed, a sentence each: "NV12 is read as NVLink3".
  std::vector<std::string> notes;
  Basis basis = Basis::kAssumed;

  [[nodiscard]] int num_devices() const { return static_cast<int>(devices.size()); }
  [[nodiscard]] int num_nodes() const { return static_cast<int>(node_names.size()); }
  bool operator==(const MachineSpec&) const = default;
};

}  // namespace kerf
