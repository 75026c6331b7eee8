#include "report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace kerf::load {

namespace {

nlohmann::ordered_json quantiles(const std::vector<double>& values) {
  return {{"p50", quantile(values, 0.5)}, {"p90", quantile(values, 0.9)}, {"p99", quantile(values, 0.99)}};
}

bool meets(const Options& options, const Sample& sample) {
  if (!sample.error.empty()) return false;
  return (options.slo_ttft_ms <= 0 || sample.ttft_ms() <= options.slo_ttft_ms) &&
         (options.slo_tpot_ms <= 0 || sample.tpot_ms() <= options.slo_tpot_ms);
}

}  // namespace

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(values.size())));
  return values[std::max<size_t>(rank, 1) - 1];
}

nlohmann::ordered_json summary(const Options& options, const std::vector<Sample>& samples) {
  std::vector<double> ttft, tpot;
  std::map<std::string, int> errors;
  int64_t input = 0;
  int64_t output = 0;
  int64_t good = 0;
  double end_s = 0;
  auto each = nlohmann::ordered_json::array();
  for (const Sample& sample : samples) {
    if (!sample.error.empty()) {
      ++errors[sample.error];
      continue;
    }
    input += sample.input;
    output += sample.tokens;
    end_s = std::max(end_s, sample.end_s);
    ttft.push_back(sample.ttft_ms());
    if (sample.tokens > 1) tpot.push_back(sample.tpot_ms());
    if (meets(options, sample)) ++good;
    each.push_back({{"ttft_ms", sample.ttft_ms()}, {"tpot_ms", sample.tpot_ms()}, {"tokens", sample.tokens}});
  }
  const double seconds = std::max(end_s, 1e-9);
  nlohmann::ordered_json json = {{"requests", samples.size()},
                                 {"errors", errors},
                                 {"seconds", end_s},
                                 {"input_tokens", input},
                                 {"output_tokens", output},
                                 {"output_tokens_per_s", static_cast<double>(output) / seconds},
                                 {"requests_per_s", static_cast<double>(ttft.size()) / seconds},
                                 {"ttft_ms", quantiles(ttft)},
                                 {"tpot_ms", quantiles(tpot)}};
  if (options.slo_ttft_ms > 0 || options.slo_tpot_ms > 0) {
    json["goodput_requests_per_s"] = static_cast<double>(good) / seconds;
    json["slo_fraction"] = static_cast<double>(good) / static_cast<double>(std::max<size_t>(samples.size(), 1));
  }
  if (options.samples) json["samples"] = each;
  return json;
}

std::string as_text(const nlohmann::ordered_json& json) {
  const auto figure = [&](const char* group, const char* name) { return json[group][name].get<double>(); };
  std::string text = fmt::format(
      "{} requests in {:.1f} s: {:.1f} output tokens/s, {:.2f} requests/s\n"
      "TTFT  p50 {:.1f} ms  p90 {:.1f}  p99 {:.1f}\nTPOT  p50 {:.2f} ms  p90 {:.2f}  p99 {:.2f}\n",
      json["requests"].get<int64_t>(), json["seconds"].get<double>(), json["output_tokens_per_s"].get<double>(),
      json["requests_per_s"].get<double>(), figure("ttft_ms", "p50"), figure("ttft_ms", "p90"),
      figure("ttft_ms", "p99"), figure("tpot_ms", "p50"), figure("tpot_ms", "p90"), figure("tpot_ms", "p99"));
  if (json.contains("slo_fraction")) {
    text += fmt::format("{:.0f} % met the SLO: {:.2f} requests/s\n", json["slo_fraction"].get<double>() * 100,
                        json["goodput_requests_per_s"].get<double>());
  }
  for (const auto& [error, count] : json["errors"].items()) text += fmt::format("{} x {}\n", count.get<int>(), error);
  return text;
}

}  // namespace kerf::load
