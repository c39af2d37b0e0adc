// The Parzen estimator: mixtures of truncated normals for numbers, counts for options, each with a
// weak prior over the whole range, so that nothing is ever ruled out.
#include <algorithm>
#include <cmath>

#include "config/search_space.h"

namespace iolaus::config {
namespace {

constexpr int kCandidates = 24;
constexpr double kBestShare = 0.1;
constexpr std::size_t kMaxBest = 25;

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// A mixture of normals, one at each observation and a wide one in the middle, cut to [low, high].
class Mixture {
 public:
  Mixture(std::vector<double> points, double low, double high) : low_(low), high_(high) {
    const double range = high - low;
    std::sort(points.begin(), points.end());
    const double narrowest = range / std::min(100.0, static_cast<double>(points.size()) + 1);
    for (std::size_t i = 0; i < points.size(); ++i) {
      // As wide as the larger gap to a neighbour.
      const double left = points[i] - (i > 0 ? points[i - 1] : low);
      const double right = (i + 1 < points.size() ? points[i + 1] : high) - points[i];
      add(points[i], std::clamp(std::max(left, right), narrowest, range));
    }
    add(0.5 * (low + high), range);
  }

  double sample(SearchRandom& random) const {
    const Part& part = parts_[random.index(parts_.size())];
    for (int attempt = 0; attempt < 100; ++attempt) {
      const double x = part.mean + part.width * random.normal();
      if (x >= low_ && x <= high_) return x;
    }
    return part.mean;
  }

  double log_density(double x) const {
    double sum = 0;
    for (const Part& part : parts_) {
      const double z = (x - part.mean) / part.width;
      sum += std::exp(-0.5 * z * z) / (part.width * part.mass);
    }
    return std::log(sum / static_cast<double>(parts_.size()) + 1e-300);
  }

 private:
  struct Part {
    double mean, width, mass;  // mass: share of the normal inside the bounds
  };
  void add(double mean, double width) {
    const double mass = normal_cdf((high_ - mean) / width) - normal_cdf((low_ - mean) / width);
    parts_.push_back({mean, width, std::max(mass, 1e-12)});
  }

  double low_, high_;
  std::vector<Part> parts_;
};

// Shares of unordered options.
class Counts {
 public:
  Counts(const std::vector<double>& points, std::size_t options) : weights_(options, 1.0) {
    for (const double point : points) weights_[static_cast<std::size_t>(point)] += 1;
    for (const double weight : weights_) total_ += weight;
  }
  double sample(SearchRandom& random) const {
    double rest = random.uniform() * total_;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      rest -= weights_[i];
      if (rest < 0) return static_cast<double>(i);
    }
    return static_cast<double>(weights_.size() - 1);
  }
  double log_density(double x) const {
    return std::log(weights_[static_cast<std::size_t>(x)] / total_);
  }

 private:
  std::vector<double> weights_;
  double total_ = 0;
};

template <class Density>
double best_candidate(const Density& good, const Density& bad, SearchRandom& random,
                      bool round_it) {
  double best = 0, best_score = -INFINITY;
  for (int i = 0; i < kCandidates; ++i) {
    const double drawn = good.sample(random);
    const double x = round_it ? std::round(drawn) : drawn;
    const double score = good.log_density(x) - bad.log_density(x);
    if (score > best_score) {
      best_score = score;
      best = x;
    }
  }
  return best;
}

}  // namespace

std::vector<double> tpe_point(const SearchSpace& space, const std::vector<Trial>& trials,
                              SearchRandom& random) {
  std::vector<const Trial*> order;
  for (const Trial& trial : trials) order.push_back(&trial);
  std::stable_sort(order.begin(), order.end(),
                   [](const Trial* a, const Trial* b) { return a->loss < b->loss; });
  const auto share =
      static_cast<std::size_t>(std::ceil(kBestShare * static_cast<double>(order.size())));
  const std::size_t best = std::min({std::max<std::size_t>(share, 1), kMaxBest, order.size()});
  std::vector<double> point;
  for (std::size_t p = 0; p < space.parameters.size(); ++p) {
    const SearchParameter& parameter = space.parameters[p];
    std::vector<double> good, bad;
    for (std::size_t i = 0; i < order.size(); ++i) {
      (i < best ? good : bad).push_back(order[i]->point[p]);
    }
    if (parameter.kind == SearchParameter::Kind::kChoice) {
      const std::size_t size = parameter.options.size();
      point.push_back(best_candidate(Counts(good, size), Counts(bad, size), random, false));
    } else {
      point.push_back(best_candidate(Mixture(good, parameter.low, parameter.high),
                                     Mixture(bad, parameter.low, parameter.high), random,
                                     parameter.kind == SearchParameter::Kind::kOrdered));
    }
  }
  return point;
}

}  // namespace iolaus::config
