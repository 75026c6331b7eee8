#include "kerf/planner/calibration.h"

#include <algorithm>
#include <cmath>

#include "kerf/base/check.h"

namespace kerf {

namespace {

constexpr double kStep = 1e-3;  // of a logarithm, for derivatives
constexpr double kMostDamping = 1e8;

void set(const Knob& knob, double logarithm) {
  for (double* value : knob.values) *value = std::exp(logarithm);
}

// Solves a x = b for a symmetric positive definite a, by Cholesky; false when it isn't. [n * n], row by row.
bool solve(std::vector<double> a, std::vector<double>& b) {
  const size_t n = b.size();
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j && sum <= 0) return false;
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return true;
}

class Fit {
 public:
  Fit(const std::vector<Knob>& knobs, const std::function<std::vector<double>()>& residuals, const FitOptions& options)
      : knobs_(knobs), residuals_(residuals), options_(options) {
    for (const Knob& knob : knobs) {
      KERF_CHECK(!knob.values.empty() && knob.least > 0 && knob.most >= knob.least, "a knob without a range");
      first_.push_back(std::log(std::clamp(*knob.values.front(), knob.least, knob.most)));
    }
  }

  double run() {
    std::vector<double> x = first_;
    std::vector<double> errors = at(x);
    double cost = cost_of(errors, x);
    double damping = 1e-2;
    for (int round = 0; round < options_.rounds && damping < kMostDamping; ++round) {
      const double before = cost;
      linearise(x, errors);
      while (damping < kMostDamping) {
        std::vector<double> next = step(x, damping);
        std::vector<double> next_errors = at(next);
        const double next_cost = cost_of(next_errors, next);
        if (next_cost < cost) {
          x = std::move(next);
          errors = std::move(next_errors);
          cost = next_cost;
          damping = std::max(1e-6, damping / 5);
          break;
        }
        damping *= 4;
      }
      if (before - cost < 1e-5 * before) break;
    }
    for (size_t i = 0; i < knobs_.size(); ++i) set(knobs_[i], x[i]);
    return cost;
  }

 private:
  std::vector<double> at(const std::vector<double>& x) {
    for (size_t i = 0; i < knobs_.size(); ++i) set(knobs_[i], x[i]);
    return residuals_();
  }

  // Soft L1: 2 c² (√(1 + (r/c)²) − 1).
  double cost_of(const std::vector<double>& errors, const std::vector<double>& x) const {
    const double c = options_.outlier;
    double sum = 0;
    for (const double r : errors) sum += 2 * c * c * (std::sqrt(1 + r * r / (c * c)) - 1);
    for (size_t i = 0; i < x.size(); ++i) sum += std::pow(options_.prior * (x[i] - first_[i]), 2);
    return sum / std::max<double>(1, static_cast<double>(errors.size()));
  }

  // JᵀWJ and JᵀWr at x, with W = 1/√(1 + (r/c)²) and the prior's part.
  void linearise(const std::vector<double>& x, const std::vector<double>& errors) {
    const size_t n = x.size();
    std::vector<std::vector<double>> slopes(n);
    for (size_t i = 0; i < n; ++i) {
      std::vector<double> moved = x;
      const double most = std::log(knobs_[i].most);
      const double delta = moved[i] + kStep <= most ? kStep : -kStep;
      moved[i] += delta;
      slopes[i] = at(moved);
      for (size_t j = 0; j < errors.size(); ++j) slopes[i][j] = (slopes[i][j] - errors[j]) / delta;
    }
    matrix_.assign(n * n, 0);
    gradient_.assign(n, 0);
    for (size_t k = 0; k < errors.size(); ++k) {
      const double ratio = errors[k] / options_.outlier;
      const double weight = 1 / std::sqrt(1 + ratio * ratio);
      for (size_t i = 0; i < n; ++i) {
        gradient_[i] += weight * slopes[i][k] * errors[k];
        for (size_t j = 0; j <= i; ++j) matrix_[i * n + j] += weight * slopes[i][k] * slopes[j][k];
      }
    }
    for (size_t i = 0; i < n; ++i) {
      matrix_[i * n + i] += options_.prior * options_.prior;
      gradient_[i] += options_.prior * options_.prior * (x[i] - first_[i]);
    }
  }

  std::vector<double> step(const std::vector<double>& x, double damping) const {
    const size_t n = x.size();
    std::vector<double> damped = matrix_;
    for (size_t i = 0; i < n; ++i) damped[i * n + i] *= 1 + damping;
    for (size_t i = 0; i < n; ++i) damped[i * n + i] += 1e-9;
    std::vector<double> change = gradient_;
    if (!solve(std::move(damped), change)) change.assign(n, 0);
    std::vector<double> next = x;
    for (size_t i = 0; i < n; ++i) {
      const double limited = std::clamp(-change[i], -1.0, 1.0);
      next[i] = std::clamp(x[i] + limited, std::log(knobs_[i].least), std::log(knobs_[i].most));
    }
    return next;
  }

  const std::vector<Knob>& knobs_;
  const std::function<std::vector<double>()>& residuals_;
  FitOptions options_;
  std::vector<double> first_;
  std::vector<double> matrix_;    // [n * n], lower triangle
  std::vector<double> gradient_;  // [n]
};

}  // namespace

double fit(const std::vector<Knob>& knobs, const std::function<std::vector<double>()>& residuals,
           const FitOptions& options) {
  return Fit(knobs, residuals, options).run();
}

}  // namespace kerf
