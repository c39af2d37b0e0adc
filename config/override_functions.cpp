// Functions of the override grammar. Calls are bound to a signature and checked against its types
// first, in the order and with the texts of the reference (Python's inspect.Signature.bind), then
// done: casts, choice, range, interval, glob, tag, sort, shuffle, json_str, extend_list.
#include <algorithm>
#include <array>
#include <random>

#include "config/override_expression.h"
#include "config/update.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

// Types of values, as bits.
enum : unsigned {
  kStr = 1,
  kInt = 2,
  kFloat = 4,
  kBool = 8,
  kList = 16,
  kDict = 32,
  kNone = 64,
  kChoice = 128,
  kRange = 256,
  kInterval = 512,
  kGlobBit = 1024,
  kExtend = 2048,
  kNumber = kInt | kFloat | kBool,  // a bool is an int
  kElement = kStr | kNumber | kList | kDict,
  kSweep = kChoice | kRange | kInterval,
};

unsigned type_bit(const OverrideValue& value) {
  switch (value.kind) {
    case OverrideValue::Kind::kQuoted:
      return kStr;
    case OverrideValue::Kind::kList:
      return kList;
    case OverrideValue::Kind::kDict:
      return kDict;
    case OverrideValue::Kind::kGlob:
      return kGlobBit;
    case OverrideValue::Kind::kExtension:
      return kExtend;
    case OverrideValue::Kind::kSweep:
      if (value.sweep->kind == Sweep::Kind::kRange) return kRange;
      return value.sweep->kind == Sweep::Kind::kInterval ? kInterval : kChoice;
    case OverrideValue::Kind::kScalar:
      break;
  }
  switch (value.scalar.kind()) {
    case Kind::kBool:
      return kBool;
    case Kind::kInt:
      return kInt;
    case Kind::kFloat:
      return kFloat;
    case Kind::kNull:
      return kNone;
    default:
      return kStr;
  }
}

struct Parameter {
  const char* name;
  unsigned accepts;
  const char* type;  // as messages print it
  enum class Form { kRequired, kOptional, kVariadic } form;
};
constexpr auto kRequired = Parameter::Form::kRequired;
constexpr auto kOptional = Parameter::Form::kOptional;
constexpr auto kVariadic = Parameter::Form::kVariadic;

constexpr const char* kCastType =
    "Optional[Union[str, int, float, bool, List[Any], Dict[str, Any], QuotedString, Sweep]]";
constexpr const char* kSortType =
    "Union[str, int, bool, float, list, dict, ChoiceSweep, RangeSweep]";
constexpr const char* kNumberType = "Union[int, float]";

/// A bound call: positional values, and one value (or none) for each named parameter.
struct Bound {
  std::vector<OverrideValue> positional;                 // of the variadic parameter
  std::vector<std::optional<OverrideValue>> parameters;  // in the order of the signature
};

struct Function {
  const char* name;
  std::vector<Parameter> parameters;
  OverrideValue (*run)(Bound&);
  bool since_1_4 = false;
};

// Python's Signature.bind: which argument goes where, and its errors in its order.
Bound bind(const Function& function, const OverrideExpression& call,
           std::vector<OverrideValue> values) {
  const auto& parameters = function.parameters;
  Bound bound;
  bound.parameters.resize(parameters.size());
  const auto named = [&](std::string_view name) {
    return std::find(call.argument_names.begin(), call.argument_names.end(), name) !=
           call.argument_names.end();
  };
  std::size_t next = 0;
  for (std::size_t i = 0; i < values.size() && call.argument_names[i].empty(); ++i) {
    if (next == parameters.size()) throw CallError{"TypeError", "too many positional arguments"};
    if (parameters[next].form == kVariadic) {
      bound.positional.push_back(std::move(values[i]));
      continue;
    }
    if (named(parameters[next].name)) {
      throw CallError{"TypeError",
                      fmt::format("multiple values for argument '{}'", parameters[next].name)};
    }
    bound.parameters[next++] = std::move(values[i]);
  }
  std::vector<bool> used(values.size());
  for (std::size_t p = next; p < parameters.size(); ++p) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (parameters[p].form == kVariadic || call.argument_names[i] != parameters[p].name) continue;
      bound.parameters[p] = std::move(values[i]);
      used[i] = true;
    }
    if (parameters[p].form == kRequired && !bound.parameters[p]) {
      throw CallError{"TypeError",
                      fmt::format("missing a required argument: '{}'", parameters[p].name)};
    }
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!call.argument_names[i].empty() && !used[i]) {
      throw CallError{"TypeError", fmt::format("got an unexpected keyword argument '{}'",
                                               call.argument_names[i])};
    }
  }
  return bound;
}

void check_type(const OverrideValue& value, const Parameter& parameter, const std::string& name) {
  if (type_bit(value) & parameter.accepts) return;
  throw CallError{"TypeError", fmt::format("mismatch type argument {}: {} is incompatible with {}",
                                           name, value.type_name(), parameter.type)};
}

void check_types(const Function& function, const Bound& bound) {
  for (std::size_t p = 0; p < function.parameters.size(); ++p) {
    const Parameter& parameter = function.parameters[p];
    if (parameter.form == kVariadic) {
      for (std::size_t i = 0; i < bound.positional.size(); ++i) {
        check_type(bound.positional[i], parameter, fmt::format("{}[{}]", parameter.name, i));
      }
    } else if (bound.parameters[p]) {
      check_type(*bound.parameters[p], parameter, parameter.name);
    }
  }
}

bool is_none(const std::optional<OverrideValue>& value) {
  return !value || type_bit(*value) == kNone;
}

OverrideValue make_sweep(Sweep sweep) {
  OverrideValue value;
  value.kind = OverrideValue::Kind::kSweep;
  value.sweep = std::make_shared<Sweep>(std::move(sweep));
  return value;
}

OverrideValue simple_choice(std::vector<OverrideValue> values) {
  Sweep sweep;
  sweep.choices = std::move(values);
  sweep.simple = true;
  return make_sweep(std::move(sweep));
}

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

OverrideValue shuffle_sweep(OverrideValue value) {
  value.sweep->shuffle = true;
  return value;
}

OverrideValue shuffle_list(OverrideValue value) {
  std::mt19937_64 engine{std::random_device{}()};
  std::shuffle(value.items.begin(), value.items.end(), engine);
  return value;
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
    check_types(function, bound);
    return function.run(bound);
  }
  throw CallError{"HydraException",
                  fmt::format("Unknown function '{}'\nAvailable: {}\n{}", call.name,
                              available(grammar), suggestion(call.name, grammar))};
}

OverrideValue evaluate(const OverrideExpression& expression, OverrideGrammar grammar) {
  using K = OverrideExpression::Kind;
  if (expression.kind == K::kValue) return expression.value;
  if (expression.kind == K::kBlank) {
    fail(ErrorCode::kConfig, "Trying to parse a primitive that is all whitespaces");
  }
  OverrideValue result;
  bool after_keyword = false;
  for (std::size_t i = 0; i < expression.items.size(); ++i) {
    if (expression.kind == K::kDict) {
      OverrideValue key = evaluate(expression.keys[i], grammar);
      // A later value of the same key wins, at the place of the first.
      const auto same = std::find_if(result.keys.begin(), result.keys.end(),
                                     [&](const auto& k) { return k.scalar == key.scalar; });
      OverrideValue value = evaluate(expression.items[i], grammar);
      if (same != result.keys.end()) {
        result.items[static_cast<std::size_t>(same - result.keys.begin())] = std::move(value);
      } else {
        result.keys.push_back(std::move(key));
        result.items.push_back(std::move(value));
      }
      continue;
    }
    if (expression.kind == K::kCall) {
      if (after_keyword && expression.argument_names[i].empty()) {
        fail(ErrorCode::kConfig, "positional argument follows keyword argument");
      }
      after_keyword = after_keyword || !expression.argument_names[i].empty();
    }
    result.items.push_back(evaluate(expression.items[i], grammar));
  }
  switch (expression.kind) {
    case K::kSimpleChoice:
      return simple_choice(std::move(result.items));
    case K::kDict:
      result.kind = OverrideValue::Kind::kDict;
      return result;
    case K::kList:
      result.kind = OverrideValue::Kind::kList;
      return result;
    default:
      break;
  }
  try {
    return call_function(expression, std::move(result.items), grammar);
  } catch (const CallError& error) {
    fail(ErrorCode::kConfig, "{} while evaluating '{}': {}", error.type, expression.text,
         error.message);
  }
}

}  // namespace iolaus::config
