#include "bench/planner/points.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <regex>
#include <set>
#include <utility>

#include "bench/planner/csv.h"

namespace kerf::bench {

namespace {

struct Renamed {
  std::string_view from;  // how it begins
  std::string_view to;
};

// Models as the sources spell them → names of catalog/models.
constexpr std::array kModels{
    Renamed{"Megatron-530B", "Megatron-530B"},
    Renamed{"GPT-20B", "GPT-20B"},
    Renamed{"GPT-6.7B", "GPT-6.7B"},
    Renamed{"llama2-7b", "Llama-2-7B"},
    Renamed{"llama2-13b", "Llama-2-13B"},
    Renamed{"Llama-2-70B", "Llama-2-70B"},
    Renamed{"Llama-2-7B", "Llama-2-7B"},
    Renamed{"Llama-2-13B", "Llama-2-13B"},
    Renamed{"Llama-13B", "Llama-2-13B"},
    Renamed{"Llama-3.1-405B", "Llama-3.1-405B"},
    Renamed{"Llama-3.1-8B", "Llama-3.1-8B"},
    Renamed{"Llama-3", "Llama-3.1-70B"},
    Renamed{"Falcon-180B", "Falcon-180B"},
    Renamed{"Mixtral-8x7B", "Mixtral-8x7B"},
    Renamed{"QwQ-32B", "QwQ-32B"},
    Renamed{"meta-llama/Llama-3.1-8B", "Llama-3.1-8B"},
    Renamed{"nvidia/Llama-3.1-8B", "Llama-3.1-8B"},
    Renamed{"meta-llama/Llama-3.1-70B", "Llama-3.1-70B"},
    Renamed{"Qwen/Qwen3-235B-A22B", "Qwen3-235B-A22B"},
    Renamed{"deepseek-ai/DeepSeek-R1", "DeepSeek-R1"},
    Renamed{"nvidia/DeepSeek-R1", "DeepSeek-R1"},
    Renamed{"openai/gpt-oss-120b", "gpt-oss-120b"},
};

// Engines and versions → names of catalog/engines.json: constants differ by era.
constexpr std::array kEngines{
    Renamed{"FasterTransformer", "fastertransformer"},
    Renamed{"lmdeploy", "lmdeploy"},
    Renamed{"TensorRT-LLM 0.20", "trtllm-0.20"},
    Renamed{"TensorRT-LLM 0.", "trtllm-0.5"},
    Renamed{"NIM", "nim-1.8"},
    Renamed{"NeMo", "trtllm-nemo"},
    Renamed{"vLLM 2024-10", "vllm-0.6"},
    Renamed{"vLLM 0.6", "vllm-0.6"},
    Renamed{"vLLM 0.7", "vllm-0.7"},
};

constexpr std::array kSystems{Renamed{"h100_sxm", "H100-SXM"}, Renamed{"h200_sxm", "H200-SXM"},
                              Renamed{"b200_sxm", "B200-SXM"}, Renamed{"gb200", "GB200"},
                              Renamed{"a100_sxm", "A100-80G-SXM"}};

constexpr std::array kCampaigns{
    Renamed{"NVIDIA/FasterTransformer", "FasterTransformer"},
    Renamed{"InternLM/lmdeploy", "lmdeploy"},
    Renamed{"NVIDIA/TensorRT-LLM docs/source/performance/perf-overview", "TRT-LLM perf-overview"},
    Renamed{"NVIDIA/TensorRT-LLM docs/source/performance.md", "TRT-LLM performance.md"},
    Renamed{"docs.nvidia.com/nim", "NIM"},
    Renamed{"docs.nvidia.com/nemo", "NeMo"},
    Renamed{"microsoft/apex_plus", "APEX"},
    Renamed{"github.com/vllm-project/vllm/issues/16300", "vLLM #16300"},
    Renamed{"vLLM CI", "vLLM CI"},
};

template <size_t n>
std::string renamed(const std::array<Renamed, n>& table, const std::string& name) {
  for (const Renamed& entry : table) {
    if (name.starts_with(entry.from)) return std::string(entry.to);
  }
  return {};
}

Metric metric_of(const std::string& name) {
  if (name.starts_with("ttft")) return Metric::kTtft;
  // The median gap between tokens is that of a step without a prompt in it.
  if (name == "itl_p50") return Metric::kStepTime;
  if (name == "tpot_avg" || name == "itl_avg") return Metric::kTpot;
  if (name == "output_tput") return Metric::kThroughput;
  if (name == "fits") return Metric::kFits;
  return Metric::kEndToEnd;
}

std::string number(double value) { return fmt::format("{:g}", value); }

// Everything but the cut.
std::string group_of(const Point& point) {
  return point.source + "|" + kind_of(point.metric) + "|" + point.engine + "|" + point.version + "|" + point.model +
         "|" + point.gpu + "|" + point.weights + "|" + number(point.workload.concurrency) + "|" +
         number(point.workload.isl) + "|" + number(point.workload.osl);
}

// "open-trace summarization_025 (replica 3)": a quarter of a request per second over all replicas.
void read_trace(const std::string& mode, double replicas, Point& point) {
  const std::string trace = mode.substr(11, mode.find(' ', 11) - 11);
  const double rate = trace.ends_with("_025") ? 0.25 : 0.5;
  point.workload.arrival = Arrival::kOpenLoop;
  // One replica was measured: it alone is predicted, with its share of the requests.
  point.workload.rate_per_s = rate / std::max(1.0, replicas);
  point.group = "APEX|" + trace + "|dp";
}

Result<std::vector<Point>> read_published(const std::filesystem::path& path) {
  KERF_TRY(const CsvTable table, read_csv(path));
  std::vector<Point> points;
  for (size_t i = 0; i < table.cells.size(); ++i) {
    const CsvRow row = table.row(i);
    Point point{.id = row.text("id"),
                .source = renamed(kCampaigns, row.text("source")),
                .engine = renamed(kEngines, row.text("engine")),
                .model = renamed(kModels, row.text("model")),
                .weights = row.text("precision"),
                .gpu = row.text("gpu")};
    const std::string mode = row.text("mode");
    // e2e_p90 of an open loop and InferSim's tokens per GPU name neither load nor cut.
    if (point.engine.empty() || point.model.empty() || mode == "per-GPU" || row.text("metric") == "e2e_p90") continue;
    point.plan = {.tp = static_cast<int>(row.number("tp", 1)), .pp = static_cast<int>(row.number("pp", 1))};
    point.metric = metric_of(row.text("metric"));
    point.measured = row.number("value");
    point.workload.isl = row.number("isl");
    point.workload.osl = row.number("osl", 1);
    point.workload.concurrency = row.number("batch_or_conc", 1e6);
    if (mode == "static") point.workload.arrival = Arrival::kStatic;
    if (mode == "max-throughput") {
      point.workload.arrival = Arrival::kBurst;
      point.workload.concurrency = 1e6;
    }
    point.group = group_of(point);
    if (mode.starts_with("open-trace")) {
      read_trace(mode, row.number("dp", 1), point);
      point.group += "|" + kind_of(point.metric);
      point.version = "dp" + row.text("dp");
    }
    if (point.source == "NeMo" && point.model == "Llama-2-13B" && point.plan.tp == 1) {
      point.excluded = "faster than the memory's bandwidth allows";
    }
    points.push_back(std::move(point));
  }
  return points;
}

// The engine's era by version; speculative decoding where an unlabelled version halves the same cut's TPOT.
std::string silicon_engine(const std::string& engine, const std::string& version, const std::string& model) {
  if (engine == "trtllm") {
    if (version.starts_with("1.0.0rc3")) return "trtllm-1.0";
    const bool speculative = version.starts_with("1.2.0rc6.post3") || version.starts_with("1.1.0");
    if (model == "DeepSeek-R1" && speculative) return "trtllm-mtp";
    if (!version.starts_with("1.")) return "trtllm-1.x";  // unlabelled, of 2025
  }
  if (engine == "vllm" && version == "0.12.0") return "vllm-0.12";
  if (engine == "sglang" && version.starts_with("0.5.6")) return "sglang-0.5.6";
  return engine;
}

double concurrency_in_id(const std::string& id, double fallback) {
  static const std::regex kConcurrency("_c([0-9]+)_");
  std::smatch match;
  return std::regex_search(id, match, kConcurrency) ? std::stod(match[1]) : fallback;
}

// tp, attn_dp, moe_tp, moe_ep → the plan, and the concurrency of all ranks. With attention data parallelism the column
// counts one rank's; the id has them all. Where moe_tp = moe_ep = g and tp or attn_dp = g², expert parallelism was
// counted twice: the run used g GPUs (equal latencies of both spellings show it).
void read_moe_cut(const CsvRow& row, Point& point) {
  const int moe_tp = static_cast<int>(row.number("moe_tp", 1));
  int moe_ep = static_cast<int>(row.number("moe_ep", 1));
  const int tp = static_cast<int>(row.number("tp", 1));
  int group = moe_tp * moe_ep;
  const double all = concurrency_in_id(point.id, point.workload.concurrency);
  if (row.text("attn_dp").empty()) {
    point.plan.tp = tp;
    point.plan.dp = std::max(1, group / tp);
    if (row.text("isl") == "4000" && row.text("osl") == "1000" && row.text("engine") == "trtllm") {
      point.excluded = "TPOT is the same whatever the concurrency";
    }
  } else {
    const int dp = static_cast<int>(row.number("attn_dp", 1));
    if (moe_tp == moe_ep && moe_tp > 1 && (tp == group || dp == group) && point.gpu != "GB200") group = moe_ep;
    point.plan.tp = dp > 1 ? 1 : group;
    point.plan.dp = dp > 1 ? group : 1;
    if (dp > 1) point.workload.concurrency = all;
  }
  moe_ep = std::min(moe_ep, group);
  // Attention data parallelism with every expert cut over all ranks is, for the planner, experts spread over them.
  point.plan.ep = point.plan.dp > 1 && moe_ep == 1 ? group : moe_ep;
}

// What the benchmark behind a file did; a property of the campaign, not of the machine.
void set_campaign(Point& point) {
  Workload& load = point.workload;
  load.requests_per_client = 30;
  if (point.version == "1.0.0rc3") {
    load.requests_per_client = 10;
    point.slack = point.model == "Llama-3.1-8B" ? 1 : 0;
  } else if (load.isl == 1024 || load.isl == 8192) {
    // Lengths are drawn from 0.8 to 1 of the nominal ones.
    load.requests_per_client = 10;
    // In all 18 rows the first chunk comes 19 TPOTs late.
    const bool chunks = point.engine == "trtllm-1.x" && point.model == "Llama-3.1-70B" && load.isl == 1024;
    if (chunks && load.osl == 1024 && point.plan.tp <= 4) point.tokens_per_chunk = 20;
    load.isl *= 0.9;
    load.osl *= 0.9;
  }
}

std::string why_excluded(const Point& point) {
  if (point.model == "DeepSeek-R1" && point.gpu == "GB200") return "disaggregated: the cut is not stated";
  if (point.model == "gpt-oss-120b" && point.workload.concurrency == 512) return "bound by the client";
  const bool constant = point.engine == "sglang" && point.version.empty() && point.weights == "nvfp4";
  if (constant && point.metric == Metric::kTtft) return "TTFT is 7 to 9 s whatever the load";
  return point.excluded;
}

Result<std::vector<Point>> read_silicon(const std::filesystem::path& path) {
  KERF_TRY(const CsvTable table, read_csv(path));
  std::vector<Point> points;
  std::set<std::string> seen;
  const bool moe = table.columns.contains("moe_ep");
  for (size_t i = 0; i < table.cells.size(); ++i) {
    const CsvRow row = table.row(i);
    Point point{.id = row.text("id"),
                .version = row.text("engine_version"),
                .model = renamed(kModels, row.text("model")),
                .weights = row.text("gemm_quant"),
                .experts = row.text("moe_quant"),
                .gpu = renamed(kSystems, row.text("system"))};
    if (point.model.empty() || point.gpu.empty()) return fail("{}: row {} is of unknown kind", path.string(), i + 2);
    point.source = moe ? "silicon MoE" : "silicon dense";
    point.engine = silicon_engine(row.text("engine"), point.version, point.model);
    point.plan = {.tp = static_cast<int>(row.number("tp", 1)), .pp = static_cast<int>(row.number("pp", 1))};
    point.workload.isl = row.number("isl");
    point.workload.osl = row.number("osl");
    point.workload.concurrency = row.number("concurrency");
    if (moe) read_moe_cut(row, point);
    const std::string group = group_of(point);
    const std::string run = group + number(point.plan.tp) + "|" + number(point.plan.dp) + "|" + number(point.plan.ep) +
                            row.text("ttft_ms") + "|" + row.text("tpot_ms");
    if (!seen.insert(run).second) continue;  // listed twice
    for (const auto& [metric, column] : {std::pair{Metric::kTtft, "ttft_ms"}, std::pair{Metric::kTpot, "tpot_ms"}}) {
      Point each = point;
      each.metric = metric;
      each.measured = row.number(column);
      each.excluded = why_excluded(each);
      if (metric == Metric::kTpot) each.group = group_of(each);
      set_campaign(each);
      points.push_back(std::move(each));
    }
  }
  return points;
}

}  // namespace

std::string kind_of(Metric metric) {
  switch (metric) {
    case Metric::kTtft: return "TTFT";
    case Metric::kTpot:
    case Metric::kStepTime: return "TPOT";
    case Metric::kThroughput: return "throughput";
    case Metric::kEndToEnd: return "end to end";
    case Metric::kFits: break;
  }
  return "";
}

Result<std::vector<Point>> read_points(const std::filesystem::path& folder) {
  KERF_TRY(std::vector<Point> points, read_published(folder / "published_points.csv"));
  for (const char* file : {"silicon_dense.csv", "silicon_moe_agg.csv"}) {
    KERF_TRY(std::vector<Point> more, read_silicon(folder / file));
    points.insert(points.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return points;
}

}  // namespace kerf::bench
