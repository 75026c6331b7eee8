// A strict reader of Prometheus' text format 0.0.4, for tests: what a scraper would only tolerate fails here.
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

namespace kerf::testing {

class Exposition {
 public:
  using Labels = std::map<std::string, std::string>;

  explicit Exposition(const std::string& text) {
    if (text.empty() || text.back() != '\n') complain("the last line has no end");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line) && error.empty();) read(line);
    for (const auto& [family, type] : types) {
      if (type == "histogram") check_histogram(family);
    }
  }

  // The value of a series that has at least these labels, the only one; none otherwise.
  [[nodiscard]] std::optional<double> value(const std::string& name, const Labels& labels = {}) const {
    std::optional<double> found;
    for (const auto& [key, number] : series) {
      const bool fits = key.first == name && std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
                          const auto at = key.second.find(label.first);
                          return at != key.second.end() && at->second == label.second;
                        });
      if (!fits) continue;
      if (found) return std::nullopt;
      found = number;
    }
    return found;
  }

  std::string error;                                        // of the first line that is wrong; empty: none is
  std::map<std::string, std::string> types;                 // family → type
  std::map<std::pair<std::string, Labels>, double> series;  // (sample name, labels) → value

 private:
  void complain(const std::string& what) {
    if (error.empty()) error = what;
  }

  void read(const std::string& line) {
    static const std::regex comment(R"(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))");
    static const std::regex sample(R"(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? ([^ ]+))");
    std::smatch match;
    if (line.starts_with('#')) {
      if (!std::regex_match(line, match, comment)) return complain("no comment: " + line);
      match[1] == "HELP" ? begin(match[2]) : type(match[2], match[3]);
    } else if (std::regex_match(line, match, sample)) {
      add(match[1], match[2], match[3], line);
    } else {
      complain("no sample: " + line);
    }
  }

  void begin(const std::string& family) {
    if (!families_.insert(family).second) complain("the lines of " + family + " are not together");
    family_ = family;
  }

  void type(const std::string& family, const std::string& name) {
    if (family != family_ || types.contains(family)) return complain("TYPE of " + family + " without its HELP");
    if (name != "counter" && name != "gauge" && name != "histogram") return complain("no type: " + name);
    const bool total = family.ends_with("_total");
    if (name == "counter" && !total) return complain("a counter's name must end in _total: " + family);
    types[family] = name;
  }

  void add(const std::string& name, const std::string& text, const std::string& number, const std::string& line) {
    const auto type = types.find(family_);
    if (type == types.end()) return complain("a sample without HELP and TYPE: " + line);
    const std::string suffix = name.starts_with(family_) ? name.substr(family_.size()) : "?";
    const bool histogram = type->second == "histogram";
    if (histogram ? suffix != "_bucket" && suffix != "_sum" && suffix != "_count" : !suffix.empty()) {
      return complain(name + " stands among the lines of " + family_);
    }
    const std::optional<Labels> labels = read_labels(text);
    if (!labels) return complain("no labels: " + line);
    char* end = nullptr;
    const double value = number == "+Inf" ? std::numeric_limits<double>::infinity() : std::strtod(number.c_str(), &end);
    if (end != nullptr && (*end != '\0' || std::isinf(value))) return complain("no number: " + line);
    if (type->second == "counter" && !(value >= 0)) return complain("a counter below 0: " + line);
    if (labels->contains("le") != (suffix == "_bucket")) return complain("le is for buckets: " + line);
    if (!series.emplace(std::pair(name, *labels), value).second) complain("twice: " + line);
  }

  // {a="x",b="y"}, each name once; \\, \" and \n are the only escapes.
  static std::optional<Labels> read_labels(std::string_view text) {
    static const std::regex name_form("[a-zA-Z_][a-zA-Z0-9_]*");
    Labels labels;
    if (text.empty()) return labels;
    size_t at = 1;
    while (true) {
      const size_t equals = text.find("=\"", at);
      if (equals == std::string_view::npos) return std::nullopt;
      const std::string name(text.substr(at, equals - at));
      if (!std::regex_match(name, name_form)) return std::nullopt;
      std::string value;
      for (at = equals + 2; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] != '\\') {
          value += text[at];
          continue;
        }
        const std::string_view rest = text.substr(++at, 1);
        if (rest == "n") {
          value += '\n';
        } else if (rest == "\\" || rest == "\"") {
          value += rest;
        } else {
          return std::nullopt;
        }
      }
      if (!labels.emplace(name, value).second || at + 1 >= text.size()) return std::nullopt;
      if (text.substr(at) == "\"}") return labels;
      if (text[at + 1] != ',') return std::nullopt;
      at += 2;
    }
  }

  // For each set of other labels: bounds rise, counts never fall, the last bound is +Inf, and its count is _count.
  void check_histogram(const std::string& family) {
    std::map<Labels, std::map<double, double>> buckets;
    for (const auto& [key, value] : series) {
      if (key.first != family + "_bucket") continue;
      Labels others = key.second;
      const std::string bound = others.extract("le").mapped();
      const double le = bound == "+Inf" ? std::numeric_limits<double>::infinity() : std::strtod(bound.c_str(), nullptr);
      buckets[others][le] = value;
    }
    if (buckets.empty()) complain(family + " has no bucket");
    for (const auto& [labels, counts] : buckets) {
      double before = 0;
      for (const auto& [bound, count] : counts) {
        if (count < before) complain(family + "'s counts fall");
        before = count;
      }
      const auto total = series.find({family + "_count", labels});
      if (!std::isinf(counts.rbegin()->first)) complain(family + " has no bucket +Inf");
      if (total == series.end() || total->second != before) complain(family + "_count is not the last bucket's");
      if (!series.contains({family + "_sum", labels})) complain(family + " has no sum");
    }
  }

  std::set<std::string> families_;
  std::string family_;
};

}  // namespace kerf::testing
