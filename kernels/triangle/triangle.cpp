// Samples of triangle.
#include "kernels/triangle/triangle.h"

#include "kernels/check.h"

namespace iolaus {
namespace {

std::vector<Triangle> samples(DType dtype) {
  std::vector<Triangle> all;
  uint64_t seed = 1;
  for (const Dims& shape : {Dims{1, 1}, {5, 7}, {33, 20}, {2, 3, 17, 16}, {0, 3}, {3, 0}}) {
    const int64_t rows = shape[shape.rank() - 2], columns = shape[shape.rank() - 1];
    for (int64_t diagonal : {int64_t{0}, int64_t{2}, int64_t{-3}, -rows - 1, columns + 1}) {
      for (bool lower : {true, false}) {
        const Tensor x = sample_tensor(shape, dtype, ++seed, 1, 4);
        all.push_back({x, empty(shape, {.dtype = dtype}), diagonal, lower});
      }
    }
  }
  return all;
}

}  // namespace

std::string Triangle::describe() const {
  return fmt::format("{} triangle of {} at {}", lower ? "lower" : "upper", x.describe(), diagonal);
}

Cost Triangle::cost() const { return {0, static_cast<double>(x.nbytes() + out.nbytes())}; }

KernelSet<Triangle>& triangle_kernels() {
  static auto* set = new KernelSet<Triangle>("triangle", "triangle", samples);
  return *set;
}

}  // namespace iolaus
