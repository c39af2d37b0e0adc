// Overrides to a search space and back.
#include "config/search_space.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace iolaus::config {
namespace {

SearchParameter interval_parameter(const Override& override) {
  const Sweep& sweep = *override.value.sweep;
  SearchParameter parameter;
  parameter.kind = SearchParameter::Kind::kContinuous;
  parameter.integral = sweep.start.is_int() && sweep.stop.is_int();
  parameter.log = sweep.tags.contains("log");
  parameter.low = sweep.start.as_float();
  parameter.high = sweep.stop.as_float();
  if (!(parameter.low < parameter.high)) {
    fail(ErrorCode::kConfig, "[sweep] '{}': expected interval(low, high) with low < high",
         override.line);
  }
  if (parameter.integral) {
    // Both ends are drawn as often as the rest.
    parameter.low -= 0.5;
    parameter.high += 0.5;
  }
  if (parameter.log) {
    if (parameter.low <= 0) {
      fail(ErrorCode::kConfig, "[sweep] '{}': expected a positive interval for the tag log",
           override.line);
    }
    parameter.low = std::log(parameter.low);
    parameter.high = std::log(parameter.high);
  }
  return parameter;
}

SearchParameter option_parameter(const Override& override, const std::vector<std::string>& names) {
  SearchParameter parameter;
  parameter.kind = override.value_type == Override::ValueType::kRange
                       ? SearchParameter::Kind::kOrdered
                       : SearchParameter::Kind::kChoice;
  parameter.options = sweep_values(override, names);
  if (parameter.options.empty()) {
    fail(ErrorCode::kConfig, "[sweep] '{}': expected at least one value", override.line);
  }
  parameter.low = -0.5;
  parameter.high = static_cast<double>(parameter.options.size()) - 0.5;
  return parameter;
}

}  // namespace

std::string SearchParameter::text(double number) const {
  if (kind != Kind::kContinuous) {
    const double last = static_cast<double>(options.size() - 1);
    return options[static_cast<std::size_t>(std::clamp(std::round(number), 0.0, last))];
  }
  double value = log ? std::exp(number) : number;
  const double lowest = log ? std::exp(low) : low, highest = log ? std::exp(high) : high;
  if (integral) {
    value = std::clamp(std::round(value), std::ceil(lowest), std::floor(highest));
    return Node(static_cast<std::int64_t>(value)).str();
  }
  return Node(std::clamp(value, lowest, highest)).str();
}

std::optional<double> SearchParameter::number(const std::string& value) const {
  if (kind != Kind::kContinuous) {
    const auto found = std::find(options.begin(), options.end(), value);
    if (found == options.end()) return std::nullopt;
    return static_cast<double>(found - options.begin());
  }
  char* end = nullptr;
  const double parsed = std::strtod(value.c_str(), &end);
  if (value.empty() || *end != '\0' || (log && parsed <= 0)) return std::nullopt;
  const double result = log ? std::log(parsed) : parsed;
  if (result < low || result > high) return std::nullopt;
  return result;
}

std::vector<std::string> SearchSpace::overrides(const std::vector<double>& point_) const {
  std::vector<std::string> lines = fixed;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    lines.push_back(parameters[i].key + "=" + parameters[i].text(point_[i]));
  }
  return lines;
}

std::optional<std::vector<double>> SearchSpace::point(const std::vector<std::string>& lines) const {
  if (lines.size() != fixed.size() + parameters.size()) return std::nullopt;
  if (!std::equal(fixed.begin(), fixed.end(), lines.begin())) return std::nullopt;
  std::vector<double> result;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string& line = lines[fixed.size() + i];
    const std::string lead = parameters[i].key + "=";
    if (!line.starts_with(lead)) return std::nullopt;
    const std::optional<double> number = parameters[i].number(line.substr(lead.size()));
    if (!number) return std::nullopt;
    result.push_back(*number);
  }
  return result;
}

SearchSpace make_search_space(const std::vector<Override>& overrides,
                              const std::vector<std::vector<std::string>>& glob_options) {
  SearchSpace space;
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    const Override& override = overrides[i];
    const std::string key = override.key_element();
    // A later override of the same key replaces the earlier one.
    std::erase_if(space.parameters, [&](const auto& known) { return known.key == key; });
    std::erase_if(space.fixed, [&](const auto& line) { return line.starts_with(key + "="); });
    if (!override.is_sweep()) {
      space.fixed.push_back(key + "=" + override.value.as_override());
      continue;
    }
    SearchParameter parameter = override.value_type == Override::ValueType::kInterval
                                    ? interval_parameter(override)
                                    : option_parameter(override, glob_options[i]);
    parameter.key = key;
    space.parameters.push_back(std::move(parameter));
  }
  return space;
}

double SearchRandom::uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

double SearchRandom::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

std::size_t SearchRandom::index(std::size_t size) {
  return std::min(size - 1, static_cast<std::size_t>(uniform() * static_cast<double>(size)));
}

std::vector<double> random_point(const SearchSpace& space, SearchRandom& random) {
  std::vector<double> point;
  for (const SearchParameter& parameter : space.parameters) {
    const double number = parameter.low + random.uniform() * (parameter.high - parameter.low);
    point.push_back(parameter.kind == SearchParameter::Kind::kContinuous ? number
                                                                         : std::round(number));
  }
  return point;
}

}  // namespace iolaus::config
