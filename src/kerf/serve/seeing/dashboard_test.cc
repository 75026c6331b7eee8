// docs/grafana-dashboard.json and docs/metrics.md against what /metrics exports.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "kerf/serve/seeing/metrics.h"
#include "tests/support/exposition.h"

namespace kerf {
namespace {

using Json = nlohmann::json;

std::string read_doc(const std::string& name) {
  const char* root = std::getenv("KERF_SOURCE_DIR");
  std::ifstream file(std::string(root == nullptr ? "." : root) + "/docs/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

testing::Exposition exported() {
  Metrics metrics({.model_name = "tales", .max_model_len = 100});
  metrics.on_cache(0, 64, 100);
  metrics.on_http("/v1/completions", 500);
  return testing::Exposition(metrics.text());
}

// Every query of the dashboard: panels, variables, annotations.
std::vector<std::string> queries(const Json& dashboard) {
  std::vector<std::string> found;
  const std::function<void(const Json&)> walk = [&](const Json& node) {
    if (node.is_object() && node.contains("expr")) found.push_back(node["expr"]);
    if (node.is_object() && node.value("type", "") == "query") found.push_back(node["query"]);
    if (node.is_structured()) {
      for (const Json& child : node) walk(child);
    }
  };
  walk(dashboard);
  return found;
}

std::vector<std::smatch> all_matches(const std::string& text, const std::regex& regex) {
  return {std::sregex_iterator(text.begin(), text.end(), regex), {}};
}

// A metric that a query names, with the labels that it selects or groups by.
struct Use {
  std::string metric;
  std::set<std::string> labels;
};

// A name is a metric unless it is a function of PromQL: an unknown one is taken for a metric that does not exist.
std::vector<Use> uses_in(const std::string& query) {
  static const std::set<std::string> functions = {"sum", "rate", "increase", "changes", "histogram_quantile"};
  static const std::regex grouping(R"(by \(([a-z_]+)\))");
  static const std::regex variable(R"(label_values\((.*), ([a-z_]+)\))");
  static const std::regex range(R"(\[[^\]]*\])");
  static const std::regex selector(R"(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})?)");
  static const std::regex matcher(R"re(([a-z_]+)(=~|=|!=|!~)"[^"]*")re");
  std::set<std::string> grouped;
  std::string rest = query;
  if (std::smatch match; std::regex_match(query, match, variable)) {
    rest = match[1];
    grouped.insert(match[2]);
  }
  for (const std::smatch& match : all_matches(rest, grouping)) grouped.insert(match[1]);
  rest = std::regex_replace(std::regex_replace(rest, grouping, " "), range, " ");
  std::vector<Use> uses;
  for (const std::smatch& match : all_matches(rest, selector)) {
    if (functions.contains(match[1])) continue;
    Use use{.metric = match[1], .labels = grouped};
    const std::string matchers = match[2];
    for (const std::smatch& label : all_matches(matchers, matcher)) use.labels.insert(label[1]);
    uses.push_back(std::move(use));
  }
  return uses;
}

TEST(Dashboard, UsesOnlyMetricsAndLabelsThatAreExported) {
  const testing::Exposition shown = exported();
  ASSERT_EQ(shown.error, "");
  const std::vector<std::string> all = queries(Json::parse(read_doc("grafana-dashboard.json")));
  EXPECT_GT(all.size(), 40U);
  for (const std::string& query : all) {
    const std::vector<Use> uses = uses_in(query);
    EXPECT_FALSE(uses.empty()) << query;
    for (const Use& use : uses) {
      const auto series = std::find_if(shown.series.begin(), shown.series.end(),
                                       [&](const auto& one) { return one.first.first == use.metric; });
      ASSERT_NE(series, shown.series.end()) << use.metric << " in " << query;
      for (const std::string& label : use.labels) {
        EXPECT_TRUE(series->first.second.contains(label)) << use.metric << " has no label " << label << ": " << query;
      }
    }
  }
}

TEST(Dashboard, TheTestSeesWhatIsWrong) {
  EXPECT_EQ(uses_in("sum by (le) (rate(a:b_bucket{c=\"d\"}[5m])) / avg(e)").size(), 3U);  // avg is no function it knows
  EXPECT_EQ(uses_in("sum by (le) (a:b{c=~\"d\",e=\"f\"})")[0].labels, (std::set<std::string>{"le", "c", "e"}));
  EXPECT_EQ(uses_in("label_values(a{b=\"c\"}, d)")[0].labels, (std::set<std::string>{"b", "d"}));
}

TEST(Dashboard, ShowsWhatWasPromised) {
  std::string all;
  for (const std::string& query : queries(Json::parse(read_doc("grafana-dashboard.json")))) all += query + "\n";
  for (const char* name :
       {"vllm:generation_tokens_total", "vllm:time_to_first_token_seconds_bucket",
        "vllm:inter_token_latency_seconds_bucket", "kerf:queue_depth", "vllm:kv_cache_usage_perc",
        "vllm:prefix_cache_hits_total", "kerf:comm_fraction", "kerf:bubble_fraction", "kerf:step_seconds_sum",
        "kerf:predicted_step_seconds_sum", "kerf:replica_restarts_total", "kerf:http_requests_total"}) {
    EXPECT_NE(all.find(name), std::string::npos) << name;
  }
}

TEST(Dashboard, PanelsDoNotOverlap) {
  const Json dashboard = Json::parse(read_doc("grafana-dashboard.json"));
  std::set<std::pair<int, int>> taken;
  std::set<int> ids;
  for (const Json& panel : dashboard["panels"]) {
    EXPECT_TRUE(ids.insert(panel["id"].get<int>()).second);
    const Json& at = panel["gridPos"];
    for (int x = at["x"]; x < at["x"].get<int>() + at["w"].get<int>(); ++x) {
      EXPECT_LT(x, 24);
      for (int y = at["y"]; y < at["y"].get<int>() + at["h"].get<int>(); ++y) {
        EXPECT_TRUE(taken.emplace(x, y).second) << panel["title"];
      }
    }
  }
}

TEST(MetricsDoc, ListsWhatIsExportedAndNothingElse) {
  std::map<std::string, std::string> listed;
  const std::string text = read_doc("metrics.md");
  static const std::regex line(R"(\n\| `([a-z0-9_:]+)` \| ([a-z]+) \|)");
  for (std::sregex_iterator at(text.begin(), text.end(), line), end; at != end; ++at) listed[(*at)[1]] = (*at)[2];
  EXPECT_EQ(listed, exported().types);
}

}  // namespace
}  // namespace kerf
