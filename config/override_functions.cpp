// The table of the override grammar's functions, their signatures as messages print them, and the
// functions of one value: casts, json_str, extend_list.
#include "config/override_function.h"
#include "config/update.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

using namespace override_function;

constexpr auto kRequired = Parameter::Form::kRequired;
constexpr auto kOptional = Parameter::Form::kOptional;
constexpr auto kVariadic = Parameter::Form::kVariadic;

constexpr const char* kCastType =
    "Optional[Union[str, int, float, bool, List[Any], Dict[str, Any], QuotedString, Sweep]]";
constexpr const char* kSortType =
    "Union[str, int, bool, float, list, dict, ChoiceSweep, RangeSweep]";
constexpr const char* kNumberType = "Union[int, float]";

template <Cast cast> OverrideValue run_cast(Bound& bound) {
  const std::optional<OverrideValue>& named = bound.parameters[1];
  if (!bound.positional.empty() && !is_none(named)) {
    throw CallError{"TypeError", "cannot use both position and named arguments"};
  }
  if (!is_none(named)) return cast_value(*named, cast);
  if (bound.positional.empty()) {
    throw CallError{"TypeError", "No positional args or value specified"};
  }
  if (bound.positional.size() == 1) return cast_value(bound.positional[0], cast);
  return cast_value(simple_choice(std::move(bound.positional)), cast);
}

OverrideValue run_json_str(Bound& bound) {
  OverrideValue value;
  value.scalar = Node(to_json(bound.parameters[0]->to_node()));
  return value;
}

OverrideValue run_extend_list(Bound& bound) {
  OverrideValue value;
  value.kind = OverrideValue::Kind::kExtension;
  value.items = std::move(bound.positional);
  return value;
}

const std::vector<Function>& functions() {
  constexpr unsigned kCastable = kElement | kNone | kSweep;
  constexpr unsigned kSortable = kElement | kChoice | kRange;
  constexpr unsigned kDiscrete = kChoice | kRange | kNone;
  const auto cast = [](const char* name, OverrideValue (*run)(Bound&)) {
    return Function{
        name,
        {{"args", kCastable, kCastType, kVariadic}, {"value", kCastable, kCastType, kOptional}},
        run};
  };
  static const std::vector<Function> all = {
      cast("bool", run_cast<Cast::kBool>),
      {"choice",
       {{"args", kElement | kChoice,
         "Union[str, int, float, bool, Dict[Any, Any], List[Any], ChoiceSweep]", kVariadic}},
       run_choice},
      {"extend_list", {{"args", kCastable, kCastType, kVariadic}}, run_extend_list, true},
      cast("float", run_cast<Cast::kFloat>),
      {"glob",
       {{"include", kList | kStr, "Union[List[str], str]", kRequired},
        {"exclude", kList | kStr | kNone, "Optional[Union[List[str], str]]", kOptional}},
       run_glob},
      cast("int", run_cast<Cast::kInt>),
      {"interval",
       {{"start", kNumber, kNumberType, kRequired}, {"end", kNumber, kNumberType, kRequired}},
       run_interval},
      {"json_str", {{"value", kElement | kNone, kCastType, kRequired}}, run_json_str, true},
      {"range",
       {{"start", kNumber, kNumberType, kRequired},
        {"stop", kNumber | kNone, "Optional[Union[int, float]]", kOptional},
        {"step", kNumber, kNumberType, kOptional}},
       run_range},
      {"shuffle",
       {{"args", kSortable, kSortType, kVariadic},
        {"sweep", kDiscrete, "Optional[Union[ChoiceSweep, RangeSweep]]", kOptional},
        {"list", kList | kNone, "Optional[List[Any]]", kOptional}},
       run_shuffle},
      {"sort",
       {{"args", kSortable, kSortType, kVariadic},
        {"sweep", kDiscrete, "Optional[Union[ChoiceSweep, RangeSweep]]", kOptional},
        {"list", kList | kNone, "Optional[List[Any]]", kOptional},
        {"reverse", kBool, "bool", kOptional}},
       run_sort},
      cast("str", run_cast<Cast::kString>),
      {"tag",
       {{"args", kStr | kSweep, "Union[str, Sweep]", kVariadic},
        {"sweep", kSweep | kNone, "Optional[Sweep]", kOptional}},
       run_tag},
  };
  return all;
}

// Quotes have done their work when a string is an argument.
void drop_quotes(OverrideValue& value) {
  if (value.kind == OverrideValue::Kind::kQuoted) value.kind = OverrideValue::Kind::kScalar;
}

std::string available(OverrideGrammar grammar) {
  std::string names;
  for (const Function& function : functions()) {
    if (function.since_1_4 && !grammar.hydra_1_4) continue;
    names += (names.empty() ? "" : ",") + std::string(function.name);
  }
  return names;
}

// What may help after an unknown function.
std::string suggestion(const std::string& name, OverrideGrammar grammar) {
  std::vector<std::string> names;
  for (const Function& function : functions()) {
    if (!function.since_1_4 || grammar.hydra_1_4) {
      names.emplace_back(function.name);
    } else if (name == function.name) {
      return "It needs version_base=\"1.4\".\n";
    }
  }
  const std::string near = did_you_mean(name, names);
  return near.empty() ? near : near.substr(1) + "\n";
}

}  // namespace

OverrideValue call_function(const OverrideExpression& call, std::vector<OverrideValue> arguments,
                            OverrideGrammar grammar) {
  for (const Function& function : functions()) {
    if (call.name != function.name || (function.since_1_4 && !grammar.hydra_1_4)) continue;
    for (OverrideValue& argument : arguments) drop_quotes(argument);
    Bound bound = bind(function, call, std::move(arguments));
    return function.run(bound);
  }
  throw CallError{"HydraException",
                  fmt::format("Unknown function '{}'\nAvailable: {}\n{}", call.name,
                              available(grammar), suggestion(call.name, grammar))};
}

}  // namespace iolaus::config
