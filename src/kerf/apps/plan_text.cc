#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "kerf/apps/plan_report.h"
#include "kerf/planner/words.h"

namespace kerf {

namespace {

// Cells of a table, right-aligned but for the last column.
class Table {
 public:
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  std::string text() const {
    std::vector<size_t> widths;
    for (const auto& row : rows_) {
      widths.resize(std::max(widths.size(), row.size()));
      for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
    }
    std::string text;
    for (const auto& row : rows_) {
      std::string line;
      for (size_t i = 0; i < row.size(); ++i) {
        line += "  ";
        const bool is_note = i + 1 == widths.size();
        if (!is_note) line.append(widths[i] - columns(row[i]), ' ');
        line += row[i];
      }
      while (line.ends_with(' ')) line.pop_back();
      text += line + "\n";
    }
    return text;
  }

 private:
  // UTF-8: continuation bytes take no column.
  static size_t columns(std::string_view text) {
    return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
  }

  std::vector<std::vector<std::string>> rows_;
};

std::string number(double value) {
  if (value >= 100) return with_commas(value);
  return value >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
}

std::string note_of(const PlanReport& report, size_t i) {
  const Candidate& candidate = report.plans[i];
  std::string note;
  const auto add = [&](const std::string& text) { note += (note.empty() ? "" : ", ") + text; };
  if (candidate.cut.sp) add("sp");
  if (candidate.cut.microbatches > 0) add(fmt::format("{} microbatches", candidate.cut.microbatches));
  if (candidate.cut.fitted_layers) add("uneven stages");
  if (!candidate.meets_slo()) add(why(report, i));
  return note;
}

std::string plan_table(const PlanReport& report) {
  Table table;
  const bool moe = report.problem.model.is_moe();
  const bool loads = report.problem.find_concurrency;
  const bool prices =
      std::ranges::any_of(report.plans, [](const Candidate& c) { return c.usd_per_million_tokens > 0; });
  std::vector<std::string> head = {"", "tp", "pp", "dp"};
  if (moe) head.emplace_back("ep");
  if (loads) head.emplace_back("requests");
  for (const char* name : {"TTFT ms", "TPOT ms", "tokens/s", "/device", "comm", "bubble", "weights GB", "KV tokens"}) {
    head.emplace_back(name);
  }
  if (prices) head.emplace_back("$/M");
  head.emplace_back("±");
  head.emplace_back("");
  table.row(head);
  for (size_t i = 0; i < report.plans.size(); ++i) {
    const Candidate& c = report.plans[i];
    const Prediction& p = report.predictions[i];
    std::vector<std::string> row = {fmt::format("{}", i + 1), fmt::format("{}", c.cut.tp), fmt::format("{}", c.cut.pp),
                                    fmt::format("{}", c.cut.dp)};
    if (moe) row.push_back(fmt::format("{}", c.cut.ep));
    if (loads) row.push_back(with_commas(c.concurrency));
    row.push_back(number(c.ttft_ms));
    row.push_back(number(c.tpot_ms));
    row.push_back(with_commas(c.tokens_per_s));
    row.push_back(number(c.tokens_per_s_device()));
    row.push_back(per_cent(p.comm_fraction));
    row.push_back(per_cent(p.bubble_fraction));
    row.push_back(fmt::format("{:.1f}", p.memory.weight_bytes / 1e9));
    row.push_back(with_commas(p.memory.kv_tokens));
    if (prices) row.push_back(fmt::format("{:.3g}", c.usd_per_million_tokens));
    row.push_back(per_cent(p.relative_error));
    row.push_back(note_of(report, i));
    table.row(std::move(row));
  }
  std::string text = table.text();
  if (report.plans_left_out > 0)
    text += fmt::format("  and {} more (--top N)\n", with_commas(static_cast<double>(report.plans_left_out)));
  return text;
}

std::string waterfall(const StepCost& step, size_t columns) {
  constexpr size_t kLabels = 40;
  const size_t width = std::max<size_t>(10, columns - std::min(columns, kLabels));
  std::string text;
  double before = 0;
  for (const Share& share : shares(step)) {
    const auto at = static_cast<size_t>(std::lround(before * static_cast<double>(width)));
    before += share.share;
    const auto end = static_cast<size_t>(std::lround(before * static_cast<double>(width)));
    std::string bar(at, ' ');
    for (size_t i = at; i < end; ++i) bar += "█";
    if (at == end) bar += "▏";
    text += fmt::format("    {:<16}{:>9}{:>8}  {}\n", share.name, duration(share.seconds), per_cent(share.share), bar);
  }
  return text;
}

std::string explanation_text(const PlanReport& report, size_t columns) {
  const Explanation& e = *report.explanation;
  const Prediction& p = e.winner;
  std::string text = fmt::format("\n{}: {}.\n", to_string(report.result.ranked.front().cut), e.binding);
  const double running = std::max(1.0, std::round(p.running));
  text += fmt::format("  A decode step of {} takes {}:\n",
                      running == 1 ? "one sequence" : with_commas(running) + " sequences", duration(p.decode.total()));
  text += waterfall(p.decode, columns);
  if (p.tpot_ms / 1e3 > 1.05 * p.decode.total()) {
    text += fmt::format("    The rest of the {} per token goes to the prompts of other requests.\n",
                        duration(p.tpot_ms / 1e3));
  }
  if (p.prefill.total() > 0) {
    text += fmt::format("  A prompt of {} tokens takes {}:\n", with_commas(report.problem.workload.isl),
                        duration(p.prefill.total()));
    text += waterfall(p.prefill, columns);
  }
  text += fmt::format("  {}.\n  {}.\n", e.runner_up_message, e.baseline.message);
  if (!e.flips.empty()) text += "  What would change the choice:\n";
  for (const Flip& flip : e.flips) text += fmt::format("    {}\n", flip.message);
  text += fmt::format("  Predictions are {}, ±{} (one standard deviation).\n",
                      p.basis == Basis::kMeasured    ? "from figures measured here"
                      : p.basis == Basis::kPublished ? "from published figures"
                                                     : "partly from assumed figures",
                      per_cent(p.relative_error));
  return text;
}

std::string pareto_text(const PlanReport& report) {
  // A front of hundreds of points says no more than some of them.
  constexpr size_t kMost = 12;
  if (report.pareto.size() < 2) return "";
  Table table;
  table.row({"TPOT ms", "tokens/s/user", "tokens/s/device", report.problem.find_concurrency ? "requests" : "", ""});
  const size_t n = report.pareto.size();
  for (size_t i = 0; i < std::min(n, kMost); ++i) {
    const Candidate& c = report.pareto[n <= kMost ? i : i * (n - 1) / (kMost - 1)];
    table.row({number(c.tpot_ms), number(c.tpot_ms > 0 ? 1000 / c.tpot_ms : 0), number(c.tokens_per_s_device()),
               report.problem.find_concurrency ? with_commas(c.concurrency) : "", to_string(c.cut)});
  }
  return "\nPareto front of latency against throughput per device:\n" + table.text();
}

std::string rejected_text(const PlanReport& report, bool all) {
  if (report.result.rejected.empty()) return "";
  std::map<Rejection, int64_t> counts;
  int64_t total = 0;
  for (const Rejected& rejected : report.result.rejected) {
    counts[rejected.reason] += rejected.configurations;
    total += rejected.configurations;
  }
  std::string text = fmt::format("\nRejected {} of {} plans:", with_commas(static_cast<double>(total)),
                                 with_commas(static_cast<double>(report.result.configurations)));
  const char* separator = " ";
  for (const auto& [reason, count] : counts) {
    text += fmt::format("{}{} {}", separator, with_commas(static_cast<double>(count)), name_of(reason));
    separator = ", ";
  }
  text += all ? "\n" : " (--rejected lists them)\n";
  if (!all) return text;
  for (const Rejected& rejected : report.result.rejected) {
    text += fmt::format("  {}{}: {}\n", to_string(rejected.cut),
                        rejected.configurations > 1 ? fmt::format(" ({} plans)", rejected.configurations) : "",
                        why(report.problem, rejected));
  }
  return text;
}

}  // namespace

std::string plan_text(const PlanReport& report, const PlanTextOptions& options) {
  std::string text = fmt::format("{} on {}, {}\n{}\n\n", describe_model(report.problem.model),
                                 describe_machine(report.problem.machine), report.problem.engine.name,
                                 describe_workload(report.problem));
  if (report.plans.empty()) {
    text += "No plan works.\n";
  } else {
    text += plan_table(report) + explanation_text(report, options.columns) + pareto_text(report);
    for (const Advice& advice : report.advice)
      text += fmt::format("{}: {}\n", name_of(advice.severity), advice.message);
  }
  return text + rejected_text(report, options.all_rejected || report.plans.empty());
}

}  // namespace kerf
