// JSON to OpValue. The kind of a list follows from its entries.
#include "autograd/op_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace iolaus {
namespace {

using Json = nlohmann::json;

[[noreturn]] void bad(const Json& json) {
  fail(ErrorCode::kInvalidArgument, "[op] expected an argument, got {}", json.dump());
}

Index index_from_json(const Json& json, const TensorLookup& tensor) {
  if (json.is_null()) return NewAxis{};
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_array()) {
    const auto list = json.get<Ints>();
    return from_values(list, {static_cast<int64_t>(list.size())});
  }
  if (!json.is_object()) bad(json);
  if (json.contains("tensor")) return tensor(json);
  if (json.contains("ellipsis")) return Ellipsis{};
  if (!json.contains("slice") || json["slice"].size() != 3) bad(json);
  const auto part = [&](size_t i) {
    const Json& value = json["slice"][i];
    return value.is_null() ? std::optional<int64_t>() : value.get<int64_t>();
  };
  return Slice{part(0), part(1), part(2).value_or(1)};
}

OpValue indices_from_json(const Json& json, const TensorLookup& tensor) {
  Indices list;
  for (const Json& entry : json) list.push_back(index_from_json(entry, tensor));
  return list;
}

OpValue list_from_json(const Json& json, const TensorLookup& tensor) {
  bool tensors = false, reals = false, others = false;
  for (const Json& entry : json) {
    others |= entry.is_object() ? !entry.contains("tensor") : entry.is_array();
    tensors |= entry.is_object() && entry.contains("tensor");
    reals |= entry.is_number_float();
  }
  const auto is_plain = [](const Json& entry) { return entry.is_number_integer(); };
  const auto is_none = [](const Json& entry) { return entry.is_null(); };
  others |= tensors && std::any_of(json.begin(), json.end(), is_plain);
  others |= !tensors && std::any_of(json.begin(), json.end(), is_none);
  if (others) return indices_from_json(json, tensor);
  if (tensors) {
    Tensors list;
    for (const Json& entry : json) list.push_back(entry.is_null() ? Tensor() : tensor(entry));
    return list;
  }
  if (reals) return json.get<Floats>();
  Ints list;
  for (const Json& entry : json) {
    if (!entry.is_number_integer() && !entry.is_boolean()) bad(json);
    list.push_back(entry.is_boolean() ? entry.get<bool>() : entry.get<int64_t>());
  }
  return list;
}

}  // namespace

OpValue value_from_json(const Json& json, const TensorLookup& tensor) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) return list_from_json(json, tensor);
  if (json.contains("tensor")) return tensor(json);
  if (json.contains("float")) return std::stod(json["float"].get<std::string>());
  bad(json);
}

}  // namespace iolaus
