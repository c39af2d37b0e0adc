// sort and shuffle: of lists, of several arguments, and of sweeps.
#include <algorithm>
#include <cstdlib>
#include <random>

#include "config/override_function.h"

namespace iolaus::config::override_function {
namespace {

OverrideValue sort_sweep(OverrideValue value, bool reverse) {
  Sweep& sweep = *value.sweep;
  if (sweep.kind == Sweep::Kind::kChoice) {
    sweep.choices = sorted_values(std::move(sweep.choices), reverse);
    return value;
  }
  const double start = sweep.start.as_float(), stop = sweep.stop.as_float();
  if (reverse ? start >= stop : start <= stop) return value;
  // The same numbers the other way round: from the last one to the first.
  const auto moved = [&](const Node& number, int sign) {
    if (number.is_int() && sweep.step.is_int()) {
      return Node(number.as_int() + sign * std::abs(sweep.step.as_int()));
    }
    return Node(number.as_float() + sign * std::abs(sweep.step.as_float()));
  };
  const int sign = reverse ? -1 : 1;
  Node new_start = moved(sweep.stop, sign), new_stop = moved(sweep.start, sign);
  sweep.start = std::move(new_start);
  sweep.stop = std::move(new_stop);
  sweep.step = sweep.step.is_int() ? Node(-sweep.step.as_int()) : Node(-sweep.step.as_float());
  return value;
}

OverrideValue sort_list(OverrideValue value, bool reverse) {
  value.items = sorted_values(std::move(value.items), reverse);
  return value;
}

OverrideValue shuffle_sweep(OverrideValue value) {
  value.sweep->shuffle = true;
  return value;
}

OverrideValue shuffle_list(OverrideValue value) {
  std::mt19937_64 engine{std::random_device{}()};
  std::shuffle(value.items.begin(), value.items.end(), engine);
  return value;
}

}  // namespace

OverrideValue run_sort(Bound& bound) {
  auto& values = bound.positional;
  const bool reverse = bound.parameters[3] && bound.parameters[3]->scalar.as_bool();
  if (!is_none(bound.parameters[2])) return sort_list(*bound.parameters[2], reverse);
  if (!is_none(bound.parameters[1])) return sort_sweep(*bound.parameters[1], reverse);
  if (values.size() == 1) {
    const unsigned type = type_bit(values[0]);
    if (type & kSweep) return sort_sweep(std::move(values[0]), reverse);
    return type == kList ? sort_list(std::move(values[0]), reverse) : std::move(values[0]);
  }
  for (const OverrideValue& value : values) {
    if (type_bit(value) & (kStr | kNumber)) continue;
    std::string all;
    for (const OverrideValue& each : values) all += (all.empty() ? "" : ", ") + each.repr();
    throw CallError{"TypeError", "Invalid arguments: (" + all + ")"};
  }
  if (values.empty()) throw CallError{"ValueError", "empty sort input"};
  return sort_sweep(simple_choice(std::move(values)), reverse);
}

OverrideValue run_shuffle(Bound& bound) {
  auto& values = bound.positional;
  if (!is_none(bound.parameters[2])) return shuffle_list(*bound.parameters[2]);
  if (!is_none(bound.parameters[1])) return shuffle_sweep(*bound.parameters[1]);
  if (values.size() != 1) return shuffle_sweep(simple_choice(std::move(values)));
  const unsigned type = type_bit(values[0]);
  if (type & kSweep) return shuffle_sweep(std::move(values[0]));
  if (type == kList) return shuffle_list(std::move(values[0]));
  OverrideValue list;
  list.kind = OverrideValue::Kind::kList;
  list.items.push_back(std::move(values[0]));
  return list;
}

}  // namespace iolaus::config::override_function
