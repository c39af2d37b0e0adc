// Finding an overload, and binding values to its arguments.
#include "autograd/op_table.h"

#include <algorithm>
#include <map>
#include <new>
#include <stdexcept>

#include "core/near_names.h"

namespace iolaus {
namespace {

std::vector<detail::BoxedEntry>& entries() {
  static auto* list = new std::vector<detail::BoxedEntry>;
  return *list;
}

using Table = std::map<std::string, std::vector<OpSchema>>;

Table build_table() {
  Table table;
  for (const detail::BoxedEntry& entry : entries()) {
    OpSchema schema = parse_schema(entry.schema);
    schema.signature.assign(entry.kinds, entry.kinds + entry.count);
    schema.function = entry.function;
    schema.call = entry.call;
    table[schema.name].push_back(std::move(schema));
  }
  return table;
}

const Table& table() {
  static const auto* ops = new Table(build_table());
  return *ops;
}

// x[1], x[idx] and x[[0, 2]]: numbers and tensors are indices, too. An undefined tensor is None.
std::optional<OpValue> as_indices(const OpValue& value) {
  Indices indices;
  if (const auto* number = std::get_if<int64_t>(&value)) {
    indices.emplace_back(*number);
  } else if (const auto* tensor = std::get_if<Tensor>(&value)) {
    indices.emplace_back(*tensor);
  } else if (const auto* ints = std::get_if<Ints>(&value)) {
    indices.assign(ints->begin(), ints->end());
  } else if (const auto* tensors = std::get_if<Tensors>(&value)) {
    for (const Tensor& x : *tensors) indices.push_back(x.defined() ? Index(x) : Index(NewAxis{}));
  } else {
    return {};
  }
  return indices;
}

// Sizes of which some may be None, which is -1: (None, 3).
std::optional<Ints> as_sizes(const Indices& indices) {
  Ints sizes;
  for (const Index& entry : indices) {
    const auto* number = std::get_if<int64_t>(&entry);
    if (!number && !std::holds_alternative<NewAxis>(entry)) return {};
    sizes.push_back(number ? *number : -1);
  }
  return sizes;
}

// A list of as many numbers as int[2] says: of one for all, of none for None.
std::optional<OpValue> of_length(const OpArgument& argument, Ints list) {
  const auto wanted = static_cast<size_t>(argument.repeat);
  if (list.size() == 1 && wanted > 1) return Ints(wanted, list[0]);
  const bool fits = wanted == 0 || list.size() == wanted || (list.empty() && argument.optional);
  return fits ? std::optional<OpValue>(std::move(list)) : std::nullopt;
}

// value brought to the argument's kind, or nothing where it does not fit.
std::optional<OpValue> converted(const OpArgument& argument, const OpValue& value) {
  const std::string& kind = argument.kind;
  if (std::holds_alternative<std::monostate>(value)) {
    return argument.optional ? std::optional(value) : std::nullopt;
  }
  const auto* tensors = std::get_if<Tensors>(&value);
  if (kind == "Tensor[]" && tensors) {
    const bool whole =
        std::all_of(tensors->begin(), tensors->end(), [](const Tensor& x) { return x.defined(); });
    return whole ? std::optional(value) : std::nullopt;
  }
  if (kind == value_kind(value)) {
    const auto* list = std::get_if<Ints>(&value);
    return list ? of_length(argument, *list) : value;
  }
  const auto* integer = std::get_if<int64_t>(&value);
  const auto* boolean = std::get_if<bool>(&value);
  const auto* real = std::get_if<double>(&value);
  const auto* text = std::get_if<std::string>(&value);
  const auto* ints = std::get_if<Ints>(&value);
  if (kind == "Scalar" && (integer || boolean || real)) return value;
  if (kind == "float" && integer) return static_cast<double>(*integer);
  if (kind == "float" && text) {  // JSON has no infinities
    if (*text == "inf" || *text == "-inf" || *text == "nan") return std::stod(*text);
  }
  if (kind == "int[]" && integer) {
    return Ints(static_cast<size_t>(std::max<int64_t>(argument.repeat, 1)), *integer);
  }
  if (kind == "float[]" && (integer || real)) {
    return Floats(1, real ? *real : static_cast<double>(*integer));
  }
  if (kind == "int[]" && std::holds_alternative<Indices>(value)) {
    const std::optional<Ints> sizes = as_sizes(std::get<Indices>(value));
    return sizes ? of_length(argument, *sizes) : std::nullopt;
  }
  if (kind == "float[]" && ints) return Floats(ints->begin(), ints->end());
  if (kind == "Tensor[]" && ints && ints->empty()) return Tensors();
  if (kind == "Index[]") return as_indices(value);
  if (kind == "dtype" && text) return parse_dtype(*text);
  if (kind == "device" && text) return parse_device(*text);
  return {};
}

// The kind as the schema has it: int[2].
std::string kind_text(const OpArgument& argument) {
  if (argument.repeat == 0) return argument.kind;
  return fmt::format("{}[{}]", argument.kind.substr(0, argument.kind.size() - 2), argument.repeat);
}

std::vector<std::string> argument_names(const OpSchema& schema) {
  std::vector<std::string> names;
  for (const OpArgument& argument : schema.arguments) names.push_back(argument.name);
  return names;
}

// The values of all arguments of an overload. Errors: see call_op.
std::vector<OpValue> bind(const OpSchema& schema, const std::vector<OpValue>& positional,
                          const NamedValues& named) {
  std::vector<const OpValue*> given(schema.arguments.size(), nullptr);
  for (size_t i = 0; i < positional.size(); ++i) {
    IOLAUS_CHECK(i < given.size() && !schema.arguments[i].keyword,
                 "[{}] got {} positional arguments, which are too many for {}", schema.name,
                 positional.size(), schema.text);
    given[i] = &positional[i];
  }
  for (const auto& [name, value] : named) {
    size_t at = 0;
    while (at < given.size() && schema.arguments[at].name != name) ++at;
    IOLAUS_CHECK_CODE(at < given.size(), ErrorCode::kNotFound,
                      "[{}] there is no argument '{}' in {}.{}", schema.name, name, schema.text,
                      did_you_mean(name, argument_names(schema)));
    IOLAUS_CHECK(given[at] == nullptr, "[{}] the argument '{}' is given twice", schema.name, name);
    given[at] = &value;
  }
  std::vector<OpValue> values;
  for (size_t i = 0; i < given.size(); ++i) {
    const OpArgument& argument = schema.arguments[i];
    if (given[i] == nullptr) {
      IOLAUS_CHECK(!argument.required, "[{}] the argument '{}' ({}) is missing in a call of {}",
                   schema.name, argument.name, argument.kind, schema.text);
      const OpValue& value = argument.default_value;
      values.push_back(converted(argument, value).value_or(value));
      continue;
    }
    std::optional<OpValue> value = converted(argument, *given[i]);
    IOLAUS_CHECK_CODE(value.has_value(), ErrorCode::kType, "[{}] expected {} to be {}{}, got {}",
                      schema.name, argument.name, kind_text(argument),
                      argument.optional ? " or None" : "", describe_value(*given[i]));
    values.push_back(*std::move(value));
  }
  return values;
}

}  // namespace

bool detail::register_boxed(const BoxedEntry& entry) {
  entries().push_back(entry);
  return true;
}

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const auto& [name, schemas] : table()) names.push_back(name);
  return names;
}

const std::vector<OpSchema>& find_op(const std::string& op) {
  const auto alias = op_aliases().find(op);
  const auto found = table().find(alias == op_aliases().end() ? op : alias->second);
  if (found == table().end()) {
    std::vector<std::string> names = op_names();
    for (const auto& [name, of] : op_aliases()) names.push_back(name);
    fail(ErrorCode::kNotFound, "there is no op '{}'.{}", op, did_you_mean(op, names));
  }
  return found->second;
}

Tensors call_op(const std::string& op, const std::vector<OpValue>& positional,
                const NamedValues& named) {
  const std::vector<OpSchema>& overloads = find_op(op);
  std::string reasons;
  for (const OpSchema& schema : overloads) {
    std::vector<OpValue> values;
    try {
      values = bind(schema, positional, named);
    } catch (const Error& error) {
      if (overloads.size() == 1) throw;
      reasons += fmt::format("\n  {}\n    {}", schema.text, error.what());
      continue;
    }
    try {
      return schema.call(schema.function, values.data());
    } catch (const std::bad_alloc&) {  // of lists on the host
      fail(ErrorCode::kOutOfMemory, "[{}] the sizes need more memory than there is", op);
    } catch (const std::length_error&) {
      fail(ErrorCode::kOutOfMemory, "[{}] the sizes need more memory than there is", op);
    }
  }
  fail(ErrorCode::kType, "[{}] no overload takes these arguments:{}", op, reasons);
}

}  // namespace iolaus
