// Args and Instance: typed access to what a config gave, with errors that say where.
#include <cxxabi.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "config/instantiate.h"
#include "config/target_check.h"

namespace iolaus::config {
namespace {

std::string type_text(std::type_index type) {
  int status = 0;
  char* name = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string out = status == 0 ? name : type.name();
  std::free(name);
  return out;
}

const char* kind_text(Instance::Kind kind) {
  switch (kind) {
    case Instance::Kind::kNull:
      return "null";
    case Instance::Kind::kValue:
      return "a plain value";
    case Instance::Kind::kObject:
      return "an object";
    case Instance::Kind::kPartial:
      return "a partial (_partial_: true)";
    case Instance::Kind::kList:
      return "a list of objects";
    case Instance::Kind::kDict:
      return "a dict of objects";
  }
  return "?";
}

[[noreturn]] void throw_located(ErrorCode code, const std::string& message,
                                const std::string& full_key, const Mark& mark) {
  throw detail::InstantiationError(code, detail::located(message, full_key, mark));
}

}  // namespace

std::shared_ptr<void> Instance::as_type(std::type_index type) const {
  if (kind == Kind::kNull) return nullptr;
  if (kind == Kind::kPartial && type == std::type_index(typeid(Partial))) return partial;
  if (kind == Kind::kObject) {
    for (const Conversion& conversion : target->conversions) {
      if (conversion.type == type) return conversion.convert(object);
    }
  }
  std::string got = kind_text(kind);
  if (kind == Kind::kObject) {
    got = "'" + target->name() + "', which is a " + type_text(target->conversions[0].type);
    for (std::size_t i = 1; i < target->conversions.size(); ++i) {
      got += (i == 1 ? " and can be seen as " : ", ") + type_text(target->conversions[i].type);
    }
  }
  if (kind == Kind::kValue) got += std::string(" (") + value.type_name() + ")";
  throw_located(ErrorCode::kType, "[instantiate] expected a " + type_text(type) + ", got " + got,
                full_key, mark);
}

Args::Args(const Target& target, std::map<std::string, Instance, std::less<>> values,
           const Extras* extras, std::string full_key, Mark mark)
    : target_(target),
      values_(std::move(values)),
      extras_(extras),
      full_key_(std::move(full_key)),
      mark_(mark) {}

bool Args::has(std::string_view name) const {
  if (has_extra(name)) return true;
  const auto found = values_.find(name);
  return found != values_.end() && found->second.kind != Instance::Kind::kNull;
}

const Instance& Args::instance(std::string_view name) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  fail_about(name, "is not declared, or was not given and has no default");
}

const Node& Args::node(std::string_view name) const {
  static const Node kNull{};
  const Instance& value = instance(name);
  if (value.kind == Instance::Kind::kNull) return kNull;
  if (value.kind == Instance::Kind::kValue) return value.value;
  fail_about(name, std::string("expected a plain value, got ") + kind_text(value.kind));
}

const std::vector<Instance>& Args::items(std::string_view name) const {
  static const std::vector<Instance> kNone{};
  const Instance& value = instance(name);
  switch (value.kind) {
    case Instance::Kind::kNull:
      return kNone;
    case Instance::Kind::kList:
    case Instance::Kind::kDict:
      return value.items;
    case Instance::Kind::kValue:
      if (value.value.is_container() && value.value.empty()) return kNone;
      break;
    default:
      break;
  }
  fail_about(name, std::string("expected a list of objects, got ") + kind_text(value.kind));
}

std::vector<std::string> Args::object_names(std::string_view name) const {
  const std::size_t count = items(name).size();
  std::vector<std::string> out;
  for (const Key& key : instance(name).keys) out.push_back(key.text());
  out.resize(count);
  return out;
}

bool Args::has_extra(std::string_view name) const {
  return extras_ != nullptr && extras_->find(name) != extras_->end();
}

const std::any& Args::extra_any(std::string_view name) const {
  if (has_extra(name)) return extras_->find(name)->second;
  throw_located(ErrorCode::kNotFound,
                "[instantiate] target '" + target_.name() +
                    "' expected the program to hand over '" + std::string(name) + "'",
                full_key_, mark_);
}

void Args::wrong_extra(std::string_view name, const std::any& any, std::type_index expected) const {
  throw_located(ErrorCode::kType,
                "[instantiate] target '" + target_.name() + "' expected '" + std::string(name) +
                    "' as a " + type_text(expected) + ", got a " + type_text(any.type()),
                full_key_, mark_);
}

void Args::fail_about(std::string_view name, const std::string& message) const {
  const auto found = values_.find(name);
  const bool known = found != values_.end() && found->second.mark.known();
  const std::string key = found != values_.end() && !found->second.full_key.empty()
                              ? found->second.full_key
                              : full_key_;
  throw_located(ErrorCode::kConfig,
                "[instantiate] parameter '" + std::string(name) + "' of target '" + target_.name() +
                    "': " + message,
                key, known ? found->second.mark : mark_);
}

// --- typed values

namespace {

/// Runs a conversion and words its failure with the argument's place.
template <class T, class Convert>
T converted(const Args& args, std::string_view name, const char* expected, Convert convert) {
  const Node& value = args.node(name);
  T out{};
  if (convert(value, out)) return out;
  args.fail_about(name, std::string("expected ") + expected + ", got " + value.type_name() + " " +
                            value.repr());
}

bool to_bool(const Node& value, bool& out) {
  return value.is_bool() && (out = value.as_bool(), true);
}
bool to_int(const Node& value, std::int64_t& out) {
  return value.is_int() && (out = value.as_int(), true);
}
bool to_double(const Node& value, double& out) {
  return (value.is_int() || value.is_float()) && (out = value.as_float(), true);
}
bool to_text(const Node& value, std::string& out) {
  return value.is_string() && (out = value.as_string(), true);
}

template <class T>
std::vector<T> converted_list(const Args& args, std::string_view name, const char* expected,
                              bool (*convert)(const Node&, T&)) {
  return converted<std::vector<T>>(
      args, name, expected, [convert](const Node& value, std::vector<T>& out) {
        if (!value.is_list()) {
          T one{};
          return convert(value, one) && (out.push_back(one), true);
        }
        return std::all_of(value.begin(), value.end(), [&](const Node& item) {
          T one{};
          return convert(item, one) && (out.push_back(one), true);
        });
      });
}

}  // namespace

template <> bool Args::get<bool>(std::string_view name) const {
  return converted<bool>(*this, name, "a bool", to_bool);
}
template <> std::int64_t Args::get<std::int64_t>(std::string_view name) const {
  return converted<std::int64_t>(*this, name, "an int", to_int);
}
template <> int Args::get<int>(std::string_view name) const {
  return converted<int>(*this, name, "an int of 32 bits", [](const Node& value, int& out) {
    std::int64_t wide = 0;
    if (!to_int(value, wide) || wide < std::numeric_limits<int>::min() ||
        wide > std::numeric_limits<int>::max()) {
      return false;
    }
    out = static_cast<int>(wide);
    return true;
  });
}
template <> double Args::get<double>(std::string_view name) const {
  return converted<double>(*this, name, "a number", to_double);
}
template <> float Args::get<float>(std::string_view name) const {
  return static_cast<float>(get<double>(name));
}
template <> std::string Args::get<std::string>(std::string_view name) const {
  return converted<std::string>(*this, name, "a string", to_text);
}
template <>
std::vector<std::int64_t> Args::get<std::vector<std::int64_t>>(std::string_view name) const {
  return converted_list<std::int64_t>(*this, name, "a list of ints", to_int);
}
template <> std::vector<double> Args::get<std::vector<double>>(std::string_view name) const {
  return converted_list<double>(*this, name, "a list of numbers", to_double);
}
template <>
std::vector<std::string> Args::get<std::vector<std::string>>(std::string_view name) const {
  return converted_list<std::string>(*this, name, "a list of strings", to_text);
}
template <> std::optional<bool> Args::get<std::optional<bool>>(std::string_view name) const {
  return has(name) ? std::optional(get<bool>(name)) : std::nullopt;
}
template <>
std::optional<std::int64_t> Args::get<std::optional<std::int64_t>>(std::string_view name) const {
  return has(name) ? std::optional(get<std::int64_t>(name)) : std::nullopt;
}
template <> std::optional<double> Args::get<std::optional<double>>(std::string_view name) const {
  return has(name) ? std::optional(get<double>(name)) : std::nullopt;
}
template <>
std::optional<std::string> Args::get<std::optional<std::string>>(std::string_view name) const {
  return has(name) ? std::optional(get<std::string>(name)) : std::nullopt;
}

}  // namespace iolaus::config
