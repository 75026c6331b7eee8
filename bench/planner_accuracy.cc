// planner_accuracy: the cost model beside published measurements.
//
//   planner_accuracy [--data DIR] [--worst N]     the table by source, engine, GPU and model; the ranking; memory
//   planner_accuracy --calibrate                  constants fitted on one half of the models and GPUs, tested on the
//   other planner_accuracy --fit                        refits catalog/engines.json and efficiency.json, as JSON on
//   stdout
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/planner/evaluation.h"
#include "bench/planner/experiments.h"
#include "bench/planner/knobs.h"
#include "bench/planner/points.h"

namespace {

using namespace kerf;
using namespace kerf::bench;

void print_table(const std::vector<Scored>& scored) {
  std::map<std::string, std::vector<double>> rows;
  for (const Scored& one : scored) {
    const Point& p = *one.point;
    const std::string row =
        fmt::format("{:<12}{:<23}{:<18}{:<14}{:<16}", kind_of(p.metric), p.source, p.engine, p.gpu, p.model);
    rows[row].push_back(std::abs(one.error()));
  }
  fmt::print("{:<12}{:<23}{:<18}{:<14}{:<16}{:>5} {:>7} {:>7} {:>7}\n", "what", "source", "engine", "GPU", "model", "n",
             "mean", "median", "p90");
  for (const auto& [row, errors] : rows) {
    const Summary s = summarise(errors);
    fmt::print("{}{:>5} {:>6.1f}% {:>6.1f}% {:>6.1f}%\n", row, s.count, 100 * s.mean, 100 * s.median, 100 * s.p90);
  }
}

void print_totals(const std::vector<Scored>& scored, std::FILE* out = stdout) {
  std::map<std::string, std::vector<double>> rows;
  for (const Scored& one : scored) rows[kind_of(one.point->metric)].push_back(std::abs(one.error()));
  for (const auto& [row, errors] : rows) {
    const Summary s = summarise(errors);
    fmt::print(out, "{:<12} n {:>5}  mean {:>5.1f} %  median {:>5.1f} %  p90 {:>5.1f} %\n", row, s.count, 100 * s.mean,
               100 * s.median, 100 * s.p90);
  }
}

void print_worst(std::vector<Scored> scored, int count) {
  std::ranges::sort(scored, std::greater(),
                    [](const Scored& one) { return std::abs(std::log(one.predicted / one.point->measured)); });
  for (const Scored& one : scored) {
    if (count-- <= 0) break;
    const Point& p = *one.point;
    fmt::print("{:>+7.0f} %  {} {} {} {} {} {} c{:g} {:g}/{:g}: {:.4g} predicted, {:.4g} measured\n", 100 * one.error(),
               kind_of(p.metric), p.engine, p.version, p.model, p.gpu, shown_cut(p), p.workload.concurrency,
               p.workload.isl, p.workload.osl, one.predicted, p.measured);
  }
}

void print_ranking(const std::vector<Scored>& scored, int worst) {
  std::vector<Choice> all = choices(scored);
  std::map<std::string, std::vector<double>> by_source;
  for (const Choice& choice : all) by_source[choice.group.substr(0, choice.group.find('|'))].push_back(choice.regret);
  by_source["all"] = {};
  for (const Choice& choice : all) by_source["all"].push_back(choice.regret);
  for (const auto& [source, regrets] : by_source) {
    double sum = 0, most = 0, exact = 0;
    for (const double r : regrets) sum += r, most = std::max(most, r), exact += r <= 0 ? 1 : 0;
    fmt::print("{:<24} {:>4} groups, mean regret {:>5.2f} %, worst {:>5.1f} %, best cut chosen in {:.0f}\n", source,
               regrets.size(), 100 * sum / static_cast<double>(regrets.size()), 100 * most, exact);
  }
  std::ranges::sort(all, std::greater(), &Choice::regret);
  for (const Choice& c : all) {
    if (worst-- <= 0 || c.regret < 0.05) break;
    fmt::print("  regret {:>5.1f} %: {}: chose {}, best {}\n", 100 * c.regret, c.group, c.chosen, c.best);
  }
}

int run(int argc, char** argv) {
  CLI::App app("The cost model beside published measurements");
  const char* data = std::getenv("KERF_CONFORMANCE_DATA");
  std::string folder = std::string(data != nullptr ? data : "../shared/data") + "/planner";
  int worst = 12;
  bool calibrate = false;
  bool refit = false;
  std::string only;
  FitSettings settings;
  app.add_option("--data", folder, "the folder of published_points.csv");
  app.add_option("--worst", worst, "so many of the worst cases");
  app.add_flag("--calibrate", calibrate, "fit on one half of the models and GPUs, test on the other");
  app.add_flag("--fit", refit, "refit the catalogue's constants and print them");
  app.add_flag("--strict", settings.strict, "with --calibrate: begin with values that no point has touched");
  app.add_option("--engine", only, "this engine's points alone");
  app.add_option("--prior", settings.prior, "of the shared constants");
  app.add_option("--engine-prior", settings.engine_prior, "of the engines' own");
  app.add_option("--rounds", settings.rounds, "of each fit");
  CLI11_PARSE(app, argc, argv);

  const auto points = read_points(folder);
  if (!points.ok()) return fmt::print(stderr, "planner_accuracy: {}\n", points.error().message), 1;
  const auto evaluator = Evaluator::make(*points);
  if (!evaluator.ok()) return fmt::print(stderr, "planner_accuracy: {}\n", evaluator.error().message), 1;
  auto constants = catalogue_constants(*points);
  if (!constants.ok()) return fmt::print(stderr, "planner_accuracy: {}\n", constants.error().message), 1;

  std::vector<const Point*> used;
  for (const Point& point : *points) {
    if (only.empty() || point.engine == only) used.push_back(&point);
  }
  if (refit) {
    const Constants fitted = fit_all(*evaluator, used, *constants, settings);
    fmt::print("{}\n", to_json(fitted).dump(1));
    fmt::print(stderr, "one set of constants for all engines:\n");
    print_totals(evaluator->score(used, with_one_engine(fitted, fitted.engines.at("generic"))), stderr);
    fmt::print(stderr, "each engine's own:\n");
    print_totals(evaluator->score(used, fitted), stderr);
    return 0;
  }
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<Scored> scored = evaluator->score(used, *constants);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  if (calibrate) {
    std::vector<Scored> all;
    for (int fold = 0; fold < 2; ++fold) {
      const HeldOut result = held_out(*evaluator, used, *constants, fold, settings);
      fmt::print("half {}: fitted on {} points, tested on {}\n", fold, result.training, result.tested.size());
      print_totals(result.tested);
      print_table(result.tested);
      all.insert(all.end(), result.tested.begin(), result.tested.end());
    }
    fmt::print("both halves, each predicted by constants fitted on the other{}:\n",
               settings.strict ? "" : " (their start, the catalogue's constants, has seen every point: see --strict)");
    print_totals(all);
    return 0;
  }
  print_table(scored);
  fmt::print("\n{} points, {:.0f} us each with their models\n", scored.size(),
             1e6 * seconds.count() / static_cast<double>(scored.size()));
  print_totals(scored);
  fmt::print("\nOne set of constants for every engine:\n");
  auto generic = find_generic();
  if (generic.ok()) print_totals(evaluator->score(used, with_one_engine(*constants, *generic)));
  fmt::print("\nWorst:\n");
  print_worst(scored, worst);
  fmt::print("\nRanking:\n");
  print_ranking(scored, worst);
  const MemoryVerdicts verdicts = memory_verdicts(*evaluator, used, *constants);
  fmt::print("\nMemory: {} of {} verdicts right, {} of {} out-of-memory cases rejected\n", verdicts.right, verdicts.all,
             verdicts.rejected, verdicts.out_of_memory);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "planner_accuracy: %s\n", error.what());
    return 1;
  }
}
