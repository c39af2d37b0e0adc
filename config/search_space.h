// The space of a search: from the sweeps of the overrides to numbers a sampler works with.
// choice() and glob() are unordered options; range() is ordered; interval() is continuous, with
// int() around it integral, with the tag `log` sampled in its logarithm.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "config/override.h"

namespace iolaus::config {

struct SearchParameter {
  enum class Kind { kChoice, kOrdered, kContinuous };
  std::string key;  // with its prefix: "lr", "+x", "db@backup"
  Kind kind = Kind::kChoice;
  std::vector<std::string> options;  // kChoice, kOrdered: the texts, by index
  double low = 0, high = 1;          // bounds of the number that is sampled
  bool log = false;                  // the number is a logarithm
  bool integral = false;             // kContinuous: rounds to an integer

  /// The value as it stands after `=`.
  std::string text(double number) const;
  /// The number behind a text; nothing where it is none of this parameter's.
  std::optional<double> number(const std::string& text) const;
};

struct SearchSpace {
  std::vector<SearchParameter> parameters;
  std::vector<std::string> fixed;  // overrides that all trials have

  /// The overrides of one trial.
  std::vector<std::string> overrides(const std::vector<double>& point) const;
  /// The point behind a trial's overrides; nothing where it belongs to another space.
  std::optional<std::vector<double>> point(const std::vector<std::string>& overrides) const;
};

/// kConfig for a log interval that is not positive, or an empty set of options.
SearchSpace make_search_space(const std::vector<Override>& overrides,
                              const std::vector<std::vector<std::string>>& glob_options);

struct Trial {
  std::vector<double> point;
  double loss = 0;  // smaller is better
};

/// Uniform numbers that are the same on every platform.
class SearchRandom {
 public:
  explicit SearchRandom(std::uint64_t seed) : engine_(seed) {}
  double uniform();  // [0, 1)
  double normal();
  std::size_t index(std::size_t size);

 private:
  std::mt19937_64 engine_;
};

std::vector<double> random_point(const SearchSpace& space, SearchRandom& random);

/// Tree-structured Parzen estimator (Bergstra et al., "Algorithms for Hyper-Parameter
/// Optimization", NeurIPS 2011), one dimension at a time: splits the trials into the best tenth and
/// the rest, draws candidates from a density over the best, and keeps the one with the largest
/// ratio of both densities.
std::vector<double> tpe_point(const SearchSpace& space, const std::vector<Trial>& trials,
                              SearchRandom& random);

}  // namespace iolaus::config
