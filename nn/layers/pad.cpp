// Padding layers' names in configs.
#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

config::Register<FunctionLayer, Module> padding(const std::string& kind, int rank,
                                                const std::string& mode, bool has_value = false) {
  const std::string type = fmt::format("{}Pad{}d", kind, rank);
  std::vector<config::Param> params{
      {"padding", P::kInts, "before and after, of the last dimension first; negative ones cut"}};
  if (has_value) params.emplace_back("value", P::kFloat, "what is added");
  return function(type, "adds elements around", std::move(params), [=](const Args& a) -> Fn {
    const Dims around = dims(a, "padding", static_cast<size_t>(2 * rank));
    const double value = has_value ? a.get<double>("value") : 0;
    return [=](const Tensor& x) {
      IOLAUS_CHECK(
          x.dim() == rank + 1 || x.dim() == rank + 2 || (mode == "constant" && x.dim() >= rank),
          "[{}] expected {} or {} dimensions, got {}", type, rank + 1, rank + 2, x.describe());
      return pad(x, around, mode, value);
    };
  });
}

template <int kRank> struct PadTargets {
  config::Register<FunctionLayer, Module> constant = padding("Constant", kRank, "constant", true),
                                          zero = padding("Zero", kRank, "constant"),
                                          reflection = padding("Reflection", kRank, "reflect"),
                                          replication = padding("Replication", kRank, "replicate"),
                                          circular = padding("Circular", kRank, "circular");
};
const PadTargets<1> k1d;
const PadTargets<2> k2d;
const PadTargets<3> k3d;

}  // namespace
}  // namespace iolaus::nn
