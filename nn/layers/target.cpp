// Reading layers' arguments.
#include "nn/layers/target.h"

namespace iolaus::nn::target {

std::vector<std::string> names(const std::string& type) {
  return {"iolaus.nn." + type, "torch.nn." + type};
}

Dims dims(const Args& a, const char* name, size_t count) {
  const std::vector<int64_t> values = a.get<std::vector<int64_t>>(name);
  if (values.size() == 1) return Dims::filled(count, values[0]);
  if (values.size() != count) {
    a.fail_about(name, fmt::format("expected one number or {}, got {}", count, values.size()));
  }
  return values;
}

Dims dims_or_none(const Args& a, const char* name, size_t count) {
  return a.has(name) ? dims(a, name, count) : Dims{};
}

Tensor floats_or_none(const Args& a, const char* name) {
  if (!a.has(name)) return {};
  const auto values = a.get<std::vector<double>>(name);
  return from_values(std::vector<float>(values.begin(), values.end()),
                     {static_cast<int64_t>(values.size())});
}

config::Param inplace() {
  return {"inplace", P::kBool, "accepted for PyTorch's sake; results are new tensors", false};
}

config::Register<FunctionLayer, Module> function(const std::string& type, const char* doc,
                                                 std::vector<config::Param> params,
                                                 std::function<Fn(const Args&)> make) {
  std::vector<std::string> shown;
  for (const config::Param& p : params) {
    if (p.name != "inplace") shown.push_back(p.name);
  }
  return {names(type), doc, std::move(params), [=](const Args& a) {
            std::string arguments;
            for (const std::string& name : shown) {
              if (!arguments.empty()) arguments += ", ";
              arguments += name + "=" + a.node(name).repr();
            }
            return std::make_shared<FunctionLayer>(type, arguments, make(a));
          }};
}

}  // namespace iolaus::nn::target
