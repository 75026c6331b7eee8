#include "kerf/io/topology/host_json.h"

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "kerf/io/catalog/rows.h"
#include "kerf/io/topology/json_lists.h"
#include "kerf/io/topology/machine_builder.h"

namespace kerf {

namespace {

using Json = nlohmann::ordered_json;

Json to_json(const CollectiveCurve& curve) {
  return {{"op", curve.op},
          {"transport", curve.transport},
          {"ranks", curve.ranks},
          {"bytes", curve.bytes},
          {"us", curve.us}};
}

Json matmul_to_json(const std::vector<MatmulPoint>& points) {
  Json list = Json::array();
  std::map<std::tuple<std::string, int, bool, int64_t, double>, size_t> series;  // its place in the list
  for (const MatmulPoint& p : points) {
    const auto [found, is_new] =
        series.try_emplace({p.format, p.threads, p.sliced, p.inputs, p.weight_mb}, list.size());
    if (is_new) {
      list.push_back({{"format", p.format},
                      {"threads", p.threads},
                      {"sliced", p.sliced},
                      {"inputs", p.inputs},
                      {"weight_mb", p.weight_mb},
                      {"rows", Json::array()},
                      {"gflops", Json::array()}});
    }
    list[found->second]["rows"].push_back(p.rows);
    list[found->second]["gflops"].push_back(p.gflops);
  }
  return list;
}

Json attention_to_json(const std::vector<AttentionPoint>& points) {
  Json list = Json::array();
  std::map<std::tuple<std::string, int64_t, int64_t, bool>, size_t> series;
  for (const AttentionPoint& p : points) {
    const auto [found, is_new] = series.try_emplace({p.format, p.group, p.head_dim, p.streamed}, list.size());
    if (is_new) {
      list.push_back({{"format", p.format},
                      {"group", p.group},
                      {"head_dim", p.head_dim},
                      {"streamed", p.streamed},
                      {"context", Json::array()},
                      {"us", Json::array()}});
    }
    list[found->second]["context"].push_back(p.context);
    list[found->second]["us"].push_back(p.us);
  }
  return list;
}

// Two lists of one length, whose pairs go to take(x, y).
Status read_pairs(const JsonFields& row, const char* x_name, const char* y_name,
                  const std::function<void(double, double)>& take) {
  KERF_TRY(const std::vector<double> x, number_list(row, x_name));
  KERF_TRY(const std::vector<double> y, number_list(row, y_name));
  if (x.size() != y.size()) return row.wrong(y_name, fmt::format("as many as '{}', {}", x_name, x.size()));
  for (size_t i = 0; i < x.size(); ++i) take(x[i], y[i]);
  return Ok{};
}

Result<CollectiveCurve> read_curve(const JsonFields& row, const nlohmann::json& object) {
  KERF_TRY_STATUS(only_fields(object, row.where(), {"op", "transport", "ranks", "bytes", "us"}));
  CollectiveCurve curve;
  KERF_TRY(curve.op, row.string("op"));
  KERF_TRY(curve.transport, row.string("transport"));
  KERF_TRY(curve.ranks, int_field(row, "ranks", {1, kMaxDevices}));
  KERF_TRY(curve.bytes, number_list(row, "bytes"));
  KERF_TRY(curve.us, number_list(row, "us"));
  if (curve.us.size() != curve.bytes.size()) {
    return row.wrong("us", fmt::format("as many as 'bytes', {}", curve.bytes.size()));
  }
  if (!std::ranges::is_sorted(curve.bytes, std::less_equal{})) return row.wrong("bytes", "ascending sizes");
  return curve;
}

Status read_matmul(const JsonFields& row, const nlohmann::json& object, std::vector<MatmulPoint>& points) {
  KERF_TRY_STATUS(
      only_fields(object, row.where(), {"format", "threads", "sliced", "inputs", "weight_mb", "rows", "gflops"}));
  MatmulPoint point;
  KERF_TRY(point.format, row.string("format"));
  KERF_TRY(point.threads, int_field(row, "threads", {1, 1 << 20}));
  KERF_TRY(point.sliced, row.boolean("sliced", false));
  KERF_TRY(point.inputs, row.integer("inputs", {1, int64_t{1} << 40}));
  KERF_TRY(point.weight_mb, row.number("weight_mb", kPositive));
  return read_pairs(row, "rows", "gflops", [&](double rows, double gflops) {
    point.rows = static_cast<int64_t>(rows);
    point.gflops = gflops;
    points.push_back(point);
  });
}

Status read_attention(const JsonFields& row, const nlohmann::json& object, std::vector<AttentionPoint>& points) {
  KERF_TRY_STATUS(only_fields(object, row.where(), {"format", "group", "head_dim", "streamed", "context", "us"}));
  AttentionPoint point;
  KERF_TRY(point.format, row.string("format"));
  KERF_TRY(point.group, row.integer("group", {1, 1 << 20}));
  KERF_TRY(point.head_dim, row.integer("head_dim", {1, 1 << 20}));
  KERF_TRY(point.streamed, row.boolean("streamed", false));
  return read_pairs(row, "context", "us", [&](double context, double us) {
    point.context = static_cast<int64_t>(context);
    point.us = us;
    points.push_back(point);
  });
}

Result<std::vector<ElementCost>> read_elements(const JsonFields& fields) {
  std::vector<ElementCost> costs;
  const nlohmann::json* object = fields.find("element_ns");
  if (object == nullptr) return costs;
  KERF_TRY(const JsonFields row, fields.object("element_ns"));
  for (const auto& [op, value] : object->items()) {
    KERF_TRY(const double ns, row.number(op, kFigure));
    costs.push_back({op, ns});
  }
  return costs;
}

}  // namespace

nlohmann::ordered_json host_to_json(const HostFigures& host) {
  Json object = {
      {"read_gb_per_s", host.read_gb_per_s}, {"file_gb_per_s", host.file_gb_per_s}, {"collectives", Json::array()}};
  for (const CollectiveCurve& curve : host.collectives) object["collectives"].push_back(to_json(curve));
  if (!host.probed()) return object;
  object["cpu"] = host.cpu;
  object["isa"] = host.isa;
  object["cores"] = host.cores;
  object["cache_bytes"] = host.cache_bytes;
  object["matmul"] = matmul_to_json(host.matmul);
  object["attention"] = attention_to_json(host.attention);
  object["element_ns"] = Json::object();
  for (const ElementCost& cost : host.elements) object["element_ns"][cost.op] = cost.ns;
  object["fork_us"] = host.fork_us;
  object["step_us"] = host.step_us;
  object["spread"] = host.spread;
  return object;
}

Result<HostFigures> read_host_figures(const JsonFields& fields, const nlohmann::json& object) {
  KERF_TRY_STATUS(only_fields(object, fields.where(),
                              {"cpu", "isa", "cores", "cache_bytes", "read_gb_per_s", "file_gb_per_s", "collectives",
                               "matmul", "attention", "element_ns", "fork_us", "step_us", "spread"}));
  HostFigures host;
  KERF_TRY(host.cpu, fields.string("cpu", ""));
  KERF_TRY(host.isa, fields.string("isa", ""));
  KERF_TRY(host.cores, int_field(fields, "cores", {0, 1 << 20}, 0));
  KERF_TRY(host.cache_bytes, fields.number("cache_bytes", kFigure, 0));
  KERF_TRY(host.read_gb_per_s, number_list(fields, "read_gb_per_s"));
  KERF_TRY(host.file_gb_per_s, fields.number("file_gb_per_s", kFigure, 0));
  KERF_TRY_STATUS(each(fields, "collectives", kMaxKinds, [&](const JsonFields& row, const auto& item) -> Status {
    KERF_TRY(CollectiveCurve curve, read_curve(row, item));
    host.collectives.push_back(std::move(curve));
    return Ok{};
  }));
  KERF_TRY_STATUS(each(fields, "matmul", kMaxKinds,
                       [&](const JsonFields& row, const auto& item) { return read_matmul(row, item, host.matmul); }));
  KERF_TRY_STATUS(each(fields, "attention", kMaxKinds, [&](const JsonFields& row, const auto& item) {
    return read_attention(row, item, host.attention);
  }));
  KERF_TRY(host.elements, read_elements(fields));
  KERF_TRY(host.fork_us, number_list(fields, "fork_us"));
  KERF_TRY(host.step_us, fields.number("step_us", kFigure, 0));
  KERF_TRY(host.spread, fields.number("spread", kFigure, 0));
  return host;
}

}  // namespace kerf
