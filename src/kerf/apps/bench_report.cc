#include "kerf/apps/bench_report.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

namespace kerf {

namespace {

constexpr double kMuchComm = 0.15;

// "all_reduce 12 %, send 3 %": what rounds to nothing is left out.
std::string by_collective(const CommSeconds& comm) {
  std::string text;
  for (int i = 0; i < kCommOps; ++i) {
    const auto op = static_cast<CommOp>(i);
    if (comm[op] < 0.005) continue;
    text += fmt::format("{}{} {:.0f} %", text.empty() ? "" : ", ", name_of(op), comm[op] * 100);
  }
  return text;
}

std::string rate_or_dash(double rate) { return rate > 0 ? fmt::format("{:.1f}", rate) : "-"; }

std::string percent_or_dash(bool known, const char* format, double fraction) {
  return known ? fmt::format(fmt::runtime(format), fraction * 100) : "-";
}

}  // namespace

nlohmann::ordered_json to_json(const BenchResult& result) {
  nlohmann::ordered_json json = {{"test", result.test.name()},
                                 {"batch", result.test.batch},
                                 {"tokens_per_s", result.tokens_per_s},
                                 {"predicted_tokens_per_s", nullptr},
                                 {"limit_tokens_per_s", nullptr},
                                 {"comm_fraction", result.comm.total()},
                                 {"comm", nlohmann::ordered_json::object()},
                                 {"bytes_per_s", result.bytes_per_s},
                                 {"spread", result.spread},
                                 {"repetitions", result.repetitions}};
  for (int i = 0; i < kCommOps; ++i) {
    const auto op = static_cast<CommOp>(i);
    if (result.comm[op] > 0) json["comm"][std::string(name_of(op))] = result.comm[op];
  }
  if (result.test.decode > 0) json["depth"] = result.test.prompt;
  if (result.predicted_tokens_per_s > 0) {
    json["predicted_tokens_per_s"] = result.predicted_tokens_per_s;
    json["error"] = result.error();
  }
  if (result.limit_tokens_per_s > 0) {
    json["limit_tokens_per_s"] = result.limit_tokens_per_s;
    json["limit_fraction"] = result.limit_fraction();
  }
  return json;
}

std::string bench_table(const std::vector<BenchResult>& results) {
  std::string text = fmt::format("{:<14} {:>5} {:>10} {:>10} {:>7} {:>10} {:>7} {:>7} {:>6} {:>9}\n", "test", "batch",
                                 "tokens/s", "predicted", "error", "limit", "reached", "spread", "comm", "weights");
  const auto out = std::back_inserter(text);
  double errors = 0;
  int predicted = 0;
  bool limited = false;
  for (const BenchResult& r : results) {
    const bool known = r.predicted_tokens_per_s > 0;
    const std::string comm = by_collective(r.comm);
    fmt::format_to(out, "{:<14} {:>5} {:>10.1f} {:>10} {:>7} {:>10} {:>7} {:>5.0f} % {:>4.0f} % {:>4.1f} GB/s{}{}\n",
                   r.test.name(), r.test.batch, r.tokens_per_s, rate_or_dash(r.predicted_tokens_per_s),
                   percent_or_dash(known, "{:+.0f} %", known ? r.error() : 0), rate_or_dash(r.limit_tokens_per_s),
                   percent_or_dash(r.limit_tokens_per_s > 0, "{:.0f} %", r.limit_fraction()), r.spread * 100,
                   r.comm.total() * 100, r.bytes_per_s / 1e9, comm.empty() ? "" : "  ", comm);
    limited = limited || r.limit_tokens_per_s > 0;
    if (!known) continue;
    errors += std::abs(r.error());
    ++predicted;
  }
  if (limited) {
    text += "limit: weights and cache at the measured read bandwidth, or arithmetic at the measured peak of matmul\n";
  }
  if (predicted > 0) {
    fmt::format_to(out, "mean error of the predictions: {:.1f} %\n", errors / predicted * 100);
  } else {
    text += "no prediction: there is no machine file; kerf probe writes one\n";
  }
  return text;
}

std::vector<std::string> comm_warnings(const std::vector<BenchResult>& results) {
  std::vector<std::string> warnings;
  for (const BenchResult& r : results) {
    if (r.comm.total() <= kMuchComm) continue;
    warnings.push_back(
        fmt::format("{} x {}: {:.0f} % of the time is communication ({}); kerf plan names a cut that has less",
                    r.test.name(), r.test.batch, r.comm.total() * 100, by_collective(r.comm)));
  }
  return warnings;
}

}  // namespace kerf
