// range: numbers at equal distances.
//
//   out[i] = start + i step, for i < turn;  end - (n - 1 - i) step, for the others
// Integers are computed in int64 (turn is n), other numbers in double; both are then converted.
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

/// start and step as integers, for arange of integers.
struct IntegerSteps {
  int64_t start, step;
};
/// From both ends, so that linspace's last number is end itself; turn is n for arange.
struct RealSteps {
  double start, step, end;
  int64_t turn;
};

struct Range {
  Tensor out;  // (n), contiguous
  bool integer = false;
  IntegerSteps integers{};
  RealSteps reals{};

  DType dtype() const { return out.dtype(); }
  Device device() const { return out.device(); }
  std::string describe() const;
  Cost cost() const;
  static constexpr const char* kSizes[] = {"n"};
  std::array<int64_t, 1> named_sizes() const { return {out.numel()}; }
  template <class V> void visit(V&& v) { v("out", out, Role::kOut); }
};

KernelSet<Range>& range_kernels();

}  // namespace iolaus
