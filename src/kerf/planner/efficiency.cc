#include "kerf/planner/efficiency.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "kerf/io/catalog/files.h"
#include "kerf/io/json.h"

namespace kerf {

namespace {

constexpr std::string_view kFile = "efficiency.json";
constexpr std::string_view kOther = "other";
constexpr NumberRange kShare{1e-3, 2, "a share of the peak"};
constexpr NumberRange kRows{0, 1e6, "a number of rows"};

Result<MatmulCurve> read_curve(const JsonFields& matmul, std::string_view format, MatmulCurve fallback) {
  if (!matmul.has(format)) return fallback;
  KERF_TRY(const JsonFields fields, matmul.object(format));
  KERF_TRY(fallback.share, fields.number("share", kShare));
  KERF_TRY(fallback.half_rows, fields.number("half_rows", kRows));
  return fallback;
}

Result<ExpertCurve> read_expert_curve(const JsonFields& experts, std::string_view format, ExpertCurve fallback) {
  if (!experts.has(format)) return fallback;
  KERF_TRY(const JsonFields fields, experts.object(format));
  KERF_TRY(fallback.weights, fields.number("weights", kShare));
  KERF_TRY(fallback.share, fields.number("share", kShare));
  KERF_TRY(fallback.half_rows, fields.number("half_rows", kRows));
  return fallback;
}

Result<Efficiency> read_architecture(const nlohmann::json& object) {
  const std::string where = fmt::format("{}: architecture '{}'", kFile, object.value("name", "?"));
  KERF_TRY(const JsonFields fields, JsonFields::of(object, where));
  Efficiency result;
  KERF_TRY(result.architecture, fields.string("name"));
  KERF_TRY(result.weights, fields.number("weights", kShare));
  KERF_TRY(result.kv_cache, fields.number("kv_cache", kShare));
  KERF_TRY(result.attention, fields.number("attention", kShare));
  KERF_TRY(const JsonFields matmul, fields.object("matmul"));
  KERF_TRY(result.bf16, read_curve(matmul, "bf16", result.bf16));
  KERF_TRY(result.fp8, read_curve(matmul, "fp8", result.bf16));
  KERF_TRY(result.int8, read_curve(matmul, "int8", result.fp8));
  KERF_TRY(result.fp4, read_curve(matmul, "fp4", result.fp8));
  KERF_TRY(const JsonFields experts, fields.object("experts"));
  KERF_TRY(result.expert_bf16, read_expert_curve(experts, "bf16", result.expert_bf16));
  KERF_TRY(result.expert_fp8, read_expert_curve(experts, "fp8", result.expert_bf16));
  KERF_TRY(result.expert_fp4, read_expert_curve(experts, "fp4", result.expert_fp8));
  KERF_TRY(result.overhead, fields.number("overhead", kPositive, 1.0));
  KERF_TRY(const bool fitted, fields.boolean("fitted", false));
  result.basis = fitted ? Basis::kPublished : Basis::kAssumed;
  KERF_TRY(result.source, fields.string("source"));
  return result;
}

enum class Units : uint8_t { kBf16, kFp8, kInt8, kFp4 };

Units units_of(const StorageFormat& format, const DeviceKind& device) {
  if (format.name == "fp8" && device.fp8_tflops > 0) return Units::kFp8;
  if (format.name == "int8" && device.int8_tops > 0) return Units::kInt8;
  if ((format.name == "nvfp4" || format.name == "mxfp4") && device.fp4_tflops > 0) return Units::kFp4;
  return Units::kBf16;
}

}  // namespace

Result<EfficiencyCatalog> EfficiencyCatalog::read() {
  KERF_TRY(const std::string text, read_catalog_file(kFile));
  KERF_TRY(const nlohmann::json file, parse_json(text, kFile));
  if (!file.is_object() || !file.contains("architectures") || !file["architectures"].is_array()) {
    return fail("{}: expected an object with a list 'architectures'", kFile);
  }
  EfficiencyCatalog catalog;
  for (const nlohmann::json& object : file["architectures"]) {
    KERF_TRY(Efficiency efficiency, read_architecture(object));
    Entry entry{.efficiency = std::move(efficiency), .compute_capabilities = {}};
    if (const auto list = object.find("compute_capability"); list != object.end() && list->is_array()) {
      for (const nlohmann::json& value : *list) {
        if (value.is_number_integer()) entry.compute_capabilities.push_back(value.get<int>());
      }
    }
    if (entry.efficiency.architecture == kOther) catalog.other_ = catalog.entries_.size();
    catalog.entries_.push_back(std::move(entry));
  }
  if (catalog.entries_.empty() || catalog.entries_[catalog.other_].efficiency.architecture != kOther) {
    return fail("{}: no architecture is named '{}'", kFile, kOther);
  }
  return catalog;
}

const Efficiency& EfficiencyCatalog::find(const DeviceKind& device) const {
  for (const Entry& entry : entries_) {
    if (std::ranges::find(entry.compute_capabilities, device.compute_capability) != entry.compute_capabilities.end()) {
      return entry.efficiency;
    }
  }
  return entries_[other_].efficiency;
}

Efficiency* EfficiencyCatalog::named(std::string_view architecture) {
  for (Entry& entry : entries_) {
    if (entry.efficiency.architecture == architecture) return &entry.efficiency;
  }
  return nullptr;
}

MatmulRate matmul_rate(const DeviceKind& device, const Efficiency& efficiency, const StorageFormat& format) {
  constexpr double kTera = 1e12;
  // Where no peak is known, one that makes a matmul of 64 rows as long as reading its weights: the CPUs' ratio.
  const double bf16 = device.bf16_tflops > 0 ? device.bf16_tflops * kTera : device.memory_gb_per_s * 1e9 * 64;
  const auto rate = [](double peak, const MatmulCurve& curve) {
    return MatmulRate{.flops_per_s = peak * curve.share, .half_rows = curve.half_rows};
  };
  switch (units_of(format, device)) {
    case Units::kFp8: return rate(device.fp8_tflops * kTera, efficiency.fp8);
    case Units::kInt8: return rate(device.int8_tops * kTera, efficiency.int8);
    case Units::kFp4: return rate(device.fp4_tflops * kTera, efficiency.fp4);
    case Units::kBf16: break;
  }
  return rate(bf16, efficiency.bf16);
}

ExpertRate expert_rate(const DeviceKind& device, const Efficiency& efficiency, const StorageFormat& format) {
  constexpr double kTera = 1e12;
  const auto rate = [](double tflops, const ExpertCurve& curve) {
    return ExpertRate{
        .weights = curve.weights, .flops_per_s = tflops * kTera * curve.share, .half_rows = curve.half_rows};
  };
  switch (units_of(format, device)) {
    case Units::kFp8: return rate(device.fp8_tflops, efficiency.expert_fp8);
    case Units::kInt8: return rate(device.int8_tops, efficiency.expert_fp8);
    case Units::kFp4: return rate(device.fp4_tflops, efficiency.expert_fp4);
    case Units::kBf16: break;
  }
  return rate(std::max(device.bf16_tflops, 1e-3), efficiency.expert_bf16);
}

double overlapped(double a_s, double b_s) {
  const double longer = std::max(a_s, b_s);
  if (longer <= 0) return 0;
  const double ratio = std::min(a_s, b_s) / longer;
  const double square = ratio * ratio;
  return longer * std::sqrt(std::sqrt(1 + square * square));
}

}  // namespace kerf
