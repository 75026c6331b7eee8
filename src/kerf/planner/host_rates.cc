#include "kerf/planner/host_rates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "kerf/base/check.h"
#include "kerf/spec/reduction.h"

namespace kerf {

namespace {

// Where nothing was measured: what shared memory of a common server does.
constexpr double kAssumedLatency_s = 3e-6;
constexpr double kAssumedBytesPerS = 4e9;

// Interpolates f(key) linearly between the keys of a map, in f; constant outside.
template <typename Map, typename F>
double between(const Map& map, double key, const F& f) {
  auto right = map.begin();
  while (right != map.end() && static_cast<double>(right->first) < key) ++right;
  if (right == map.end()) return f(std::prev(right)->second);
  const double high = f(right->second);
  if (right == map.begin() || static_cast<double>(right->first) == key) return high;
  const auto left = std::prev(right);
  const double low = f(left->second);
  const double span = static_cast<double>(right->first - left->first);
  return low + (high - low) * (key - static_cast<double>(left->first)) / span;
}

// The measured format that stands in for `wanted`.
std::string_view stand_in(std::string_view wanted) {
  if (wanted == "f32" || wanted == "float32" || wanted == "fp32") return "f32";
  if (wanted == "f16" || wanted == "float16" || wanted == "fp16") return "f16";
  if (wanted == "int4" || wanted == "awq" || wanted == "gptq" || wanted == "nvfp4" || wanted == "mxfp4") return "int4";
  if (wanted == "int8" || wanted == "fp8") return "int8";
  return "bf16";
}

}  // namespace

HostRates::HostRates(const HostFigures& figures) : figures_(figures) {
  KERF_CHECK(figures.probed(), "a machine that was not probed");
  std::set<std::string> names;
  for (const MatmulPoint& point : figures.matmul) names.insert(point.format);
  for (const std::string& name : names) fill_format(name);
  fill_streamed_share();

  std::map<std::tuple<std::string, bool, int64_t, int64_t>, std::vector<CurvePoint>> attention;
  for (const AttentionPoint& p : figures.attention) {
    attention[{p.format, p.streamed, p.head_dim, p.group}].push_back({static_cast<double>(p.context), p.us * 1e-6});
  }
  for (auto& [key, points] : attention) attention_.emplace(key, Curve(std::move(points)));

  for (const CollectiveCurve& curve : figures.collectives) {
    std::vector<CurvePoint> points;
    for (size_t i = 0; i < std::min(curve.bytes.size(), curve.us.size()); ++i) {
      points.push_back({curve.bytes[i], curve.us[i] * 1e-6});
    }
    if (!points.empty()) collectives_[{curve.op, curve.transport}].emplace(curve.ranks, Curve(std::move(points)));
  }
}

// A matmul takes M·N·(K·w + o + slices·c): w by reading weights and multiplying, o by storing an output, c by merging a
// slice. Two depths K tell o from w, and sliced figures c.
void HostRates::fill_format(const std::string& name) {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  int64_t depth = 0;
  int fewest = std::numeric_limits<int>::max();
  for (const MatmulPoint& p : figures_.matmul) {
    if (p.format == name) depth = std::max(depth, p.inputs);
  }
  const auto plain = [&](const MatmulPoint& p) {
    return p.format == name && p.gflops > 0 && !p.sliced && p.inputs == depth;
  };
  for (const MatmulPoint& p : figures_.matmul) {
    if (!plain(p)) continue;
    least = std::min(least, p.weight_mb);
    most = std::max(most, p.weight_mb);
    fewest = std::min(fewest, p.threads);
  }
  std::map<int64_t, double> base;  // rows → seconds per weight on the fewest threads, resident
  const auto seconds = [](const MatmulPoint& p) { return 2 * static_cast<double>(p.rows) / (p.gflops * 1e9); };
  for (const MatmulPoint& p : figures_.matmul) {
    if (plain(p) && p.weight_mb == least && p.threads == fewest) base[p.rows] = seconds(p);
  }
  std::vector<CurvePoint> outputs;
  std::vector<CurvePoint> slices;
  for (const MatmulPoint& p : figures_.matmul) {
    if (p.format != name || p.gflops <= 0 || p.threads != fewest || !base.contains(p.rows)) continue;
    const auto rows = static_cast<double>(p.rows);
    const auto k = static_cast<double>(p.inputs);
    const double extra = std::max(0.0, seconds(p) - base[p.rows]) / rows;
    if (p.sliced) slices.push_back({rows, extra * k / kMaxSlices});
    if (!p.sliced && p.inputs < depth) outputs.push_back({rows, extra / (1 / k - 1 / static_cast<double>(depth))});
  }
  Format format;
  format.output = Curve(std::move(outputs));
  format.slice = Curve(std::move(slices));

  std::map<int, std::vector<CurvePoint>> resident;
  std::map<int, std::vector<CurvePoint>> streamed;
  for (const MatmulPoint& p : figures_.matmul) {
    if (!plain(p)) continue;
    const auto rows = static_cast<double>(p.rows);
    double per_weight = seconds(p);
    if (!format.output.empty()) {
      const double stored = format.output.at(rows, Beyond::kConstant) * rows / static_cast<double>(depth) / p.threads;
      per_weight = std::max(per_weight - stored, per_weight / 2);
    }
    if (p.weight_mb == least) resident[p.threads].push_back({rows, per_weight});
    if (p.weight_mb == most) streamed[p.threads].push_back({rows, per_weight});
  }
  for (auto& [threads, points] : resident) format.resident.emplace(threads, Curve(std::move(points)));
  for (auto& [threads, points] : streamed) format.streamed.emplace(threads, Curve(std::move(points)));
  if (!format.resident.empty()) formats_.emplace(name, std::move(format));
}

// From the format for which one row was measured at the most sizes.
void HostRates::fill_streamed_share() {
  const int64_t deepest = std::ranges::max(figures_.matmul, {}, &MatmulPoint::inputs).inputs;
  std::map<std::string, std::map<int, std::vector<CurvePoint>>> families;  // format → threads → time over size
  std::map<std::string, size_t> points;
  for (const MatmulPoint& p : figures_.matmul) {
    if (p.rows != 1 || p.sliced || p.inputs != deepest || p.gflops <= 0 || p.weight_mb <= 0) continue;
    families[p.format][p.threads].push_back({std::log2(p.weight_mb), 1 / p.gflops});
    ++points[p.format];
  }
  if (points.empty()) return;
  const std::string& format = std::ranges::max_element(points, {}, [](const auto& e) { return e.second; })->first;
  for (auto& [threads, times] : families[format]) {
    std::ranges::sort(times, {}, &CurvePoint::x);
    const double low = times.front().y;
    const double high = times.back().y;
    if (high <= low) continue;  // no cache to be seen
    std::vector<CurvePoint> shares;
    for (const CurvePoint& p : times) shares.push_back({p.x, std::clamp((p.y - low) / (high - low), 0.0, 1.0)});
    streamed_share_.emplace(threads, Curve(std::move(shares)));
  }
}

const std::string& HostRates::measured_format(std::string_view name) const {
  auto found = formats_.find(name);
  if (found == formats_.end()) found = formats_.find(stand_in(name));
  return found == formats_.end() ? formats_.begin()->first : found->first;
}

std::string HostRates::prepare_op(std::string_view format) const { return "prepare_" + measured_format(format); }

double HostRates::per_weight(const ByThreads& curves, double threads, double rows) {
  return 1 / between(curves, threads, [&](const Curve& curve) { return 1 / curve.at(rows, Beyond::kProportional); });
}

double HostRates::streamed_share(double working_set_mb, double threads) const {
  if (streamed_share_.empty()) return 1;
  const double size = std::log2(std::max(1.0, working_set_mb));
  return between(streamed_share_, threads, [&](const Curve& share) { return share.at(size, Beyond::kConstant); });
}

double HostRates::matmul_s(const HostMatmul& matmul) const {
  const Format& f = format(matmul.format);
  const double active = std::max(matmul.active, matmul.threads);
  const double threads = std::min(active, static_cast<double>(figures_.cores));
  const double rows = std::max(1.0, matmul.rows);
  double seconds = per_weight(f.resident, threads, rows);
  if (!f.streamed.empty()) {
    // Reading hides behind arithmetic the more, the more rows there are.
    const double at = std::min(rows, f.streamed.begin()->second.back().x);
    const double extra = per_weight(f.streamed, threads, at) - per_weight(f.resident, threads, at);
    seconds += streamed_share(matmul.working_set_mb, threads) * std::max(0.0, extra);
  }
  seconds *= matmul.inputs * active;
  double per_output = f.output.empty() ? 0 : f.output.at(rows, Beyond::kConstant);
  if (matmul.slices > 1 && !f.slice.empty()) per_output += matmul.slices * f.slice.at(rows, Beyond::kConstant);
  return matmul.outputs * (seconds + rows * per_output * std::max(1.0, active / threads)) / matmul.threads;
}

double HostRates::attention_s(std::string_view format, double group, double head_dim, double context,
                              double working_set_mb, double active) const {
  if (attention_.empty()) return 0;
  const std::string wanted(stand_in(format));
  const bool known = std::ranges::any_of(attention_, [&](const auto& e) { return std::get<0>(e.first) == wanted; });
  const std::string& name = known ? wanted : std::get<0>(attention_.begin()->first);
  const double resident = attention_point(name, false, group, head_dim, context);
  const double streamed = attention_point(name, true, group, head_dim, context);
  return resident + streamed_share(working_set_mb, active) * std::max(0.0, streamed - resident);
}

double HostRates::attention_point(const std::string& name, bool streamed, double group, double head_dim,
                                  double context) const {
  std::map<int64_t, std::map<int64_t, double>> by_dim;  // head_dim → group → s
  for (const auto& [key, curve] : attention_) {
    if (std::get<0>(key) != name || std::get<1>(key) != streamed) continue;
    by_dim[std::get<2>(key)][std::get<3>(key)] = curve.at(context, Beyond::kLinear);
  }
  if (by_dim.empty()) return 0;
  const auto of_group = [&](const std::map<int64_t, double>& groups) {
    const auto& [last, seconds] = *groups.rbegin();
    if (group > static_cast<double>(last)) return seconds * group / static_cast<double>(last);
    return between(groups, group, [](double s) { return s; });
  };
  const auto& [widest, groups] = *by_dim.rbegin();
  if (head_dim > static_cast<double>(widest)) return of_group(groups) * head_dim / static_cast<double>(widest);
  const auto& [narrowest, few] = *by_dim.begin();
  if (head_dim < static_cast<double>(narrowest)) return of_group(few) * head_dim / static_cast<double>(narrowest);
  return between(by_dim, head_dim, of_group);
}

double HostRates::element_s(std::string_view op) const {
  const auto found = std::ranges::find(figures_.elements, op, &ElementCost::op);
  return found == figures_.elements.end() ? 0 : found->ns * 1e-9;
}

double HostRates::fork_s(double threads) const {
  if (threads <= 1 || figures_.fork_us.empty()) return 0;
  const size_t at = std::min(static_cast<size_t>(threads), figures_.fork_us.size()) - 1;
  return figures_.fork_us[at] * 1e-6;
}

double HostRates::read_bytes_per_s(double threads) const {
  std::map<int, double> rates;
  int count = 0;
  for (const double rate : figures_.read_gb_per_s) rates[++count] = rate * 1e9;
  if (rates.empty()) return 1e10;
  return between(rates, threads, [](double rate) { return rate; });
}

double HostRates::slowdown(double threads) const {
  const Format& f = format("f32");
  const double rows = f.resident.begin()->second.back().x;
  const double one = per_weight(f.resident, 1, rows);
  const double n = std::clamp(threads, 1.0, static_cast<double>(figures_.cores));
  return std::max(1.0, per_weight(f.resident, n, rows) * n / one) * std::max(1.0, threads / n);
}

double HostRates::collective_s(std::string_view op, std::string_view transport, int ranks, double bytes) const {
  if (ranks <= 1) return 0;
  const auto find = [&](std::string_view by) { return collectives_.find({std::string(op), std::string(by)}); };
  auto found = find(transport);
  if (found == collectives_.end()) found = find(transport == "shm" ? "mpi" : "shm");
  if (found == collectives_.end()) return kAssumedLatency_s * std::log2(ranks) + bytes / kAssumedBytesPerS;
  const auto seconds = [&](const Curve& curve) { return curve.at(bytes, Beyond::kProportional); };
  const auto& [most, last] = *found->second.rbegin();
  // Beyond what was measured a rank more costs what one costs there.
  if (op != "send" && ranks > most) return seconds(last) * ranks / most;
  return between(found->second, ranks, seconds);
}

}  // namespace kerf
