// Finding an overload, and binding values to its arguments.
#include "autograd/op_table.h"

#include <algorithm>
#include <map>
#include <new>
#include <stdexcept>

#include "autograd/forms.h"
#include "core/near_names.h"

namespace iolaus {
namespace {

std::vector<detail::BoxedEntry>& entries() {
  static auto* list = new std::vector<detail::BoxedEntry>;
  return *list;
}

using Table = std::map<std::string, std::vector<OpSchema>>;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

// The overloads of an op that is in op_forms.h know their row; those that return one tensor and
// begin with one have an in-place form.
void add_forms(Table& table, const OpForm& form) {
  std::vector<OpSchema> changing;
  for (OpSchema& schema : table.at(std::string(form.op))) {
    if (schema.results != std::vector<std::string>{"Tensor"}) continue;
    schema.form = &form;
    const std::vector<OpArgument>& arguments = schema.arguments;
    if (form.name && arguments[0].kind == "Tensor" && !arguments[0].optional) {
      OpSchema other = schema;
      other.name = form.name;
      other.in_place = true;
      other.text = replaced(schema.text, schema.name + "(Tensor", other.name + "(Tensor(a!)");
      other.text = replaced(other.text, "-> Tensor", "-> Tensor(a!)");
      changing.push_back(std::move(other));
    }
    if (form.out) {
      const char* last =
          arguments.back().keyword ? ", Tensor(a!)? out=None) ->" : ", *, Tensor(a!)? out=None) ->";
      schema.text = replaced(schema.text, ") ->", last);
    }
  }
  if (!changing.empty()) table[form.name] = std::move(changing);
}

Table build_table() {
  Table table;
  for (const detail::BoxedEntry& entry : entries()) {
    OpSchema schema = parse_schema(entry.schema);
    schema.signature.assign(entry.kinds, entry.kinds + entry.count);
    schema.function = entry.function;
    schema.call = entry.call;
    table[schema.name].push_back(std::move(schema));
  }
  for (const OpForm& form : kOpForms) add_forms(table, form);
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

// Whether bind would not throw: with several overloads most calls miss some, and errors take time.
bool fits(const OpSchema& schema, const std::vector<OpValue>& positional,
          const NamedValues& named) {
  const std::vector<OpArgument>& arguments = schema.arguments;
  std::vector<bool> given(arguments.size(), false);
  for (size_t i = 0; i < positional.size(); ++i) {
    if (i >= arguments.size() || arguments[i].keyword) return false;
    if (!converted(arguments[i], positional[i])) return false;
    given[i] = true;
  }
  for (const auto& [name, value] : named) {
    size_t at = 0;
    while (at < arguments.size() && arguments[at].name != name) ++at;
    if (at == arguments.size() || given[at] || !converted(arguments[at], value)) return false;
    given[at] = true;
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].required && !given[i]) return false;
  }
  return true;
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

// What an alias stands for; absolute_ is abs_.
std::string aliased(const std::string& op) {
  const auto alias = op_aliases().find(op);
  if (alias != op_aliases().end()) return alias->second;
  return op.ends_with('_') ? aliased(op.substr(0, op.size() - 1)) + "_" : op;
}

Tensors call_in_place(const OpSchema& schema, std::vector<OpValue>& values) {
  const Tensor x = std::get<Tensor>(values[0]);
  detail::FormInputs inputs;
  for (size_t i = 1; i < values.size(); ++i) {
    if (const auto* tensor = std::get_if<Tensor>(&values[i])) inputs.add(*tensor);
  }
  const detail::InPlaceScope scope(*schema.form, x, inputs.tensors());
  if (!scope.input().is_same(x)) {
    for (OpValue& value : values) {
      if (auto* tensor = std::get_if<Tensor>(&value)) *tensor = scope(*tensor);
    }
    values[0] = scope.input();
  }
  Tensors outs = schema.call(schema.function, values.data());
  scope.finish(outs[0]);
  outs[0] = x;
  return outs;
}

Tensors call_out(const OpSchema& schema, std::vector<OpValue>& values, const Tensor& out,
                 const NamedValues& named) {
  IOLAUS_CHECK_CODE(schema.form && schema.form->out && !schema.in_place, ErrorCode::kNotFound,
                    "[{}] there is no argument 'out' in {}", schema.name, schema.text);
  const bool device_given = std::any_of(named.begin(), named.end(),
                                        [](const auto& pair) { return pair.first == "device"; });
  detail::FormInputs inputs;
  for (size_t i = 0; i < values.size(); ++i) {
    const OpArgument& argument = schema.arguments[i];
    if (const auto* tensor = std::get_if<Tensor>(&values[i])) inputs.add(*tensor);
    if (const auto* list = std::get_if<Tensors>(&values[i])) inputs.add(*list);
    const bool none = std::holds_alternative<std::monostate>(values[i]);
    if (argument.kind == "dtype" && none) values[i] = out.dtype();
    if (argument.kind == "device" && !device_given) values[i] = out.device();
  }
  const detail::OutScope scope(*schema.form, out, inputs.tensors());
  scope.finish(schema.call(schema.function, values.data())[0]);
  return {out};
}

// Takes `out` from the named values; undefined where it is None.
Tensor take_out(const std::string& op, NamedValues& named) {
  const auto found = std::find_if(named.begin(), named.end(),
                                  [](const auto& pair) { return pair.first == "out"; });
  const OpValue value = std::move(found->second);
  named.erase(found);
  if (std::holds_alternative<std::monostate>(value)) return {};
  const auto* out = std::get_if<Tensor>(&value);
  IOLAUS_CHECK_CODE(out != nullptr, ErrorCode::kType, "[{}] expected out to be a Tensor, got {}",
                    op, describe_value(value));
  return *out;
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
  auto found = table().find(op);
  if (found == table().end()) found = table().find(aliased(op));
  if (found == table().end()) {
    std::vector<std::string> names = op_names();
    for (const auto& [name, of] : op_aliases()) names.push_back(name);
    fail(ErrorCode::kNotFound, "there is no op '{}'.{}", op, did_you_mean(op, names));
  }
  return found->second;
}

Tensors call_op(const std::string& op, const std::vector<OpValue>& positional,
                const NamedValues& all_named) {
  const std::vector<OpSchema>& overloads = find_op(op);
  const bool has_out = std::any_of(all_named.begin(), all_named.end(),
                                   [](const auto& pair) { return pair.first == "out"; });
  NamedValues others = has_out ? all_named : NamedValues();
  const Tensor out = has_out ? take_out(op, others) : Tensor();
  const NamedValues& named = has_out ? others : all_named;
  for (const OpSchema& schema : overloads) {
    if (overloads.size() > 1 && !fits(schema, positional, named)) continue;
    std::vector<OpValue> values = bind(schema, positional, named);
    try {
      if (out.defined()) return call_out(schema, values, out, named);
      if (schema.in_place) return call_in_place(schema, values);
      return schema.call(schema.function, values.data());
    } catch (const std::bad_alloc&) {  // of lists on the host
      fail(ErrorCode::kOutOfMemory, "[{}] the sizes need more memory than there is", op);
    } catch (const std::length_error&) {
      fail(ErrorCode::kOutOfMemory, "[{}] the sizes need more memory than there is", op);
    }
  }
  std::string reasons;
  for (const OpSchema& schema : overloads) {
    try {
      bind(schema, positional, named);
    } catch (const Error& error) {
      reasons += fmt::format("\n  {}\n    {}", schema.text, error.what());
    }
  }
  fail(ErrorCode::kType, "[{}] no overload takes these arguments:{}", op, reasons);
}

}  // namespace iolaus
