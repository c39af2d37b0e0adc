// Functions that make a sweep or carry one: choice, range, interval, glob, tag.
#include "config/override_function.h"

namespace iolaus::config::override_function {
namespace {

std::vector<std::string> patterns(const std::optional<OverrideValue>& value) {
  std::vector<std::string> names;
  if (is_none(value)) return names;
  if (value->kind != OverrideValue::Kind::kList) return {value->text()};
  for (const OverrideValue& item : value->items) {
    if (!item.is_text()) {
      throw CallError{"TypeError", "expected patterns as text, got " + item.type_name()};
    }
    names.push_back(item.text());
  }
  return names;
}

}  // namespace

OverrideValue run_choice(Bound& bound) {
  auto& values = bound.positional;
  if (values.empty()) throw CallError{"ValueError", "empty choice is not legal"};
  if (values.size() == 1 && type_bit(values[0]) == kChoice) {
    if (!values[0].sweep->simple) {
      throw CallError{"ValueError", "nesting choices is not supported"};
    }
    values[0].sweep->simple = false;
    return std::move(values[0]);
  }
  OverrideValue result = simple_choice(std::move(values));
  result.sweep->simple = false;
  return result;
}

OverrideValue run_range(Bound& bound) {
  Sweep sweep;
  sweep.kind = Sweep::Kind::kRange;
  sweep.start = bound.parameters[0]->scalar;
  if (is_none(bound.parameters[1])) {
    sweep.stop = sweep.start;
    sweep.start = 0;
  } else {
    sweep.stop = bound.parameters[1]->scalar;
  }
  sweep.step = bound.parameters[2] ? bound.parameters[2]->scalar : Node(1);
  for (Node* number : {&sweep.start, &sweep.stop, &sweep.step}) {
    if (number->is_bool()) *number = Node(number->as_bool() ? 1 : 0);
  }
  return make_sweep(std::move(sweep));
}

OverrideValue run_interval(Bound& bound) {
  Sweep sweep;
  sweep.kind = Sweep::Kind::kInterval;
  sweep.start = cast_value(*bound.parameters[0], Cast::kFloat).scalar;
  sweep.stop = cast_value(*bound.parameters[1], Cast::kFloat).scalar;
  return make_sweep(std::move(sweep));
}

OverrideValue run_glob(Bound& bound) {
  OverrideValue value;
  value.kind = OverrideValue::Kind::kGlob;
  value.glob = std::make_shared<Glob>();
  value.glob->include = patterns(bound.parameters[0]);
  value.glob->exclude = patterns(bound.parameters[1]);
  return value;
}

OverrideValue run_tag(Bound& bound) {
  auto& values = bound.positional;
  if (values.empty()) {
    throw CallError{"ValueError", "Not enough arguments to tag, must take at least a sweep"};
  }
  if (!is_none(bound.parameters[1])) values.push_back(*bound.parameters[1]);
  if (!(type_bit(values.back()) & kSweep)) {
    throw CallError{"ValueError",
                    "Last argument to tag() must be a choice(), range() or interval(), got "
                    "NoneType"};
  }
  std::set<std::string> tags;
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    if (!values[i].is_text()) {
      throw CallError{"ValueError",
                      "tag arguments type must be string, got " + values[i].type_name()};
    }
    tags.insert(values[i].text());
  }
  values.back().sweep->tags = std::move(tags);
  return std::move(values.back());
}

}  // namespace iolaus::config::override_function
