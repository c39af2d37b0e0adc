// Printing of override values, their way into nodes, and the numbers of a sweep.
#include "config/override.h"

#include <fnmatch.h>

#include <algorithm>
#include <random>

#include "config/decimal.h"
#include "config/override_expression.h"

namespace iolaus::config {
namespace {

constexpr std::size_t kMaxSweep = 100'000;

// Quotes that can't be read back otherwise: backslashes before a quote (or the end) double.
std::string with_quotes(const std::string& text, char quote) {
  std::string out(1, quote);
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && text[end] == '\\') ++end;
    const bool before_quote = end == text.size() || text[end] == quote;
    out.append(before_quote && end > i ? 2 * (end - i) : end - i, '\\');
    if (end < text.size()) {
      if (text[end] == quote) out += '\\';
      out += text[end];
    }
    i = end + 1;
  }
  return out + quote;
}

std::string joined(const OverrideValue& value, bool space, bool is_dict) {
  std::string out;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += space ? ", " : ",";
    if (is_dict) out += value.keys[i].as_override() + (space ? ": " : ":");
    out += value.items[i].as_override(space);
  }
  return out;
}

std::vector<std::string> range_values(const Sweep& sweep) {
  std::vector<std::string> values;
  // Refused before all the decimals are added up.
  const double span = sweep.stop.as_float() - sweep.start.as_float();
  const double step_size = sweep.step.as_float();
  const bool endless = step_size != 0 && span / step_size > 1.01 * static_cast<double>(kMaxSweep);
  const auto too_many = [] {
    fail(ErrorCode::kConfig, "[sweep] expected at most {} values of a range", kMaxSweep);
  };
  if (endless) too_many();
  if (sweep.start.is_int() && sweep.stop.is_int() && sweep.step.is_int()) {
    const std::int64_t step = sweep.step.as_int(), stop = sweep.stop.as_int();
    if (step == 0) fail(ErrorCode::kConfig, "range() arg 3 must not be zero");
    std::int64_t at = sweep.start.as_int();
    while (step > 0 ? at < stop : at > stop) {
      if (values.size() == kMaxSweep) too_many();
      values.push_back(Node(at).str());
      if (__builtin_add_overflow(at, step, &at)) break;
    }
    return values;
  }
  Decimal at(sweep.start.as_float());
  const Decimal stop(sweep.stop.as_float()), step(sweep.step.as_float());
  if (step.sign() == 0) {
    fail(ErrorCode::kConfig, "Invalid range values (start:{}, stop:{}, step:{})", sweep.start.str(),
         sweep.stop.str(), sweep.step.str());
  }
  while (step.sign() > 0 ? at.compare(stop) < 0 : at.compare(stop) > 0) {
    if (values.size() == kMaxSweep) too_many();
    values.push_back(Node(at.to_double()).str());
    at.add(step);
  }
  return values;
}

}  // namespace

bool OverrideValue::is_text() const {
  return (kind == Kind::kScalar || kind == Kind::kQuoted) && scalar.is_string();
}

std::string OverrideValue::type_name() const {
  switch (kind) {
    case Kind::kScalar:
      return scalar.type_name();
    case Kind::kQuoted:
      return "QuotedString";
    case Kind::kList:
      return "list";
    case Kind::kDict:
      return "dict";
    case Kind::kGlob:
      return "Glob";
    case Kind::kExtension:
      return "ListExtension";
    case Kind::kSweep:
      break;
  }
  if (sweep->kind == Sweep::Kind::kRange) return "RangeSweep";
  return sweep->kind == Sweep::Kind::kInterval ? "IntervalSweep" : "ChoiceSweep";
}

std::string OverrideValue::repr() const {
  std::string out;
  switch (kind) {
    case Kind::kScalar:
    case Kind::kQuoted:
      return scalar.repr();
    case Kind::kList:
      for (const OverrideValue& item : items) out += (out.empty() ? "" : ", ") + item.repr();
      return "[" + out + "]";
    case Kind::kDict:
      for (std::size_t i = 0; i < items.size(); ++i) {
        out += (i > 0 ? ", " : "") + keys[i].repr() + ": " + items[i].repr();
      }
      return "{" + out + "}";
    default:
      return type_name();
  }
}

std::string escape_override_text(std::string_view text) {
  constexpr std::string_view kSpecial = "\\()[]{}:=, \t";
  // A backslash needs an escape only beside another special character.
  bool touched = false;
  for (std::size_t i = 0; i < text.size() && !touched; ++i) {
    touched = kSpecial.find(text[i]) != std::string_view::npos;
  }
  if (!touched) return std::string(text);
  std::string out;
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string OverrideValue::as_override(bool space) const {
  switch (kind) {
    case Kind::kQuoted:
      return with_quotes(scalar.as_string(), quote);
    case Kind::kList:
      return "[" + joined(*this, space, false) + "]";
    case Kind::kDict:
      return "{" + joined(*this, space, true) + "}";
    case Kind::kExtension:
      return "extend_list(" + joined(*this, space, false) + ")";
    case Kind::kScalar:
      if (scalar.is_null()) return "null";
      return scalar.is_string() ? escape_override_text(scalar.as_string()) : scalar.str();
    default:
      fail(ErrorCode::kConfig, "Cannot convert sweep to str");
  }
}

Node OverrideValue::to_node() const {
  Node node;
  switch (kind) {
    case Kind::kScalar:
    case Kind::kQuoted:
      return scalar;
    case Kind::kList:
    case Kind::kExtension:
      node = Node::list();
      for (const OverrideValue& item : items) node.append(item.to_node());
      return node;
    case Kind::kDict:
      node = Node::dict();
      for (std::size_t i = 0; i < items.size(); ++i) {
        const Node& key = keys[i].scalar;
        if (key.is_null()) {
          fail(ErrorCode::kConfig, "Incompatible key type 'NoneType'");
        }
        Key typed;
        if (key.is_bool()) {
          typed = Key(key.as_bool());
        } else if (key.is_int()) {
          typed = Key(key.as_int());
        } else if (key.is_float()) {
          typed = Key(key.as_float());
        } else {
          typed = Key(key.as_string());
        }
        node.set(typed, items[i].to_node());
      }
      return node;
    default:
      fail(ErrorCode::kConfig, "Unsupported value type: '{}': a sweep cannot be inside a value",
           type_name());
  }
}

std::string Override::key_element() const {
  std::string text;
  if (is_delete()) text = "~";
  if (is_add()) text = "+";
  if (is_force_add()) text = "++";
  text += key;
  return package ? text + "@" + *package : text;
}

std::vector<std::string> Glob::filter(const std::vector<std::string>& names) const {
  const auto matches = [](const std::string& name, const std::vector<std::string>& globs) {
    return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
      return ::fnmatch(glob.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
    });
  };
  std::vector<std::string> kept;
  for (const std::string& name : names) {
    if (matches(name, include) && !matches(name, exclude)) kept.push_back(name);
  }
  return kept;
}

std::vector<std::string> sweep_values(const Override& override,
                                      const std::vector<std::string>& options) {
  const OverrideValue& value = override.value;
  std::vector<std::string> values;
  if (value.kind == OverrideValue::Kind::kGlob) {
    for (const std::string& name : value.glob->filter(options)) {
      values.push_back(escape_override_text(name));
    }
    return values;
  }
  if (!override.is_discrete_sweep()) {
    fail(ErrorCode::kConfig, "Can only enumerate CHOICE and RANGE sweeps, got '{}'", override.line);
  }
  if (value.sweep->kind == Sweep::Kind::kRange) {
    values = range_values(*value.sweep);
  } else {
    for (const OverrideValue& choice : value.sweep->choices) {
      values.push_back(choice.as_override());
    }
  }
  if (value.sweep->shuffle) {
    std::mt19937_64 engine{std::random_device{}()};
    std::shuffle(values.begin(), values.end(), engine);
  }
  return values;
}

}  // namespace iolaus::config
