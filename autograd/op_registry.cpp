// The table of differentiable ops.
#include "autograd/op_registry.h"

#include <map>

#include "kernels/check.h"

namespace iolaus {
namespace {
std::map<std::string, OpInfo>& table() {
  static auto* ops = new std::map<std::string, OpInfo>;
  return *ops;
}
}  // namespace

bool register_op(OpInfo info) {
  const std::string name = info.name;
  IOLAUS_CHECK_CODE(table().emplace(name, std::move(info)).second, ErrorCode::kInternal,
                    "the op '{}' is registered twice", name);
  return true;
}

std::vector<const OpInfo*> all_ops() {
  std::vector<const OpInfo*> ops;
  for (const auto& [name, info] : table()) ops.push_back(&info);
  return ops;
}

Tensor sample64(const Dims& sizes, uint64_t seed, double low, double high, bool strided) {
  return sample_tensor(sizes, kFloat64, seed, low, high, strided);
}

}  // namespace iolaus
