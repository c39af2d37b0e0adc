// Samples of range.
#include "kernels/range/range.h"

#include "kernels/check.h"

namespace iolaus {
namespace {

std::vector<Range> samples(DType dtype) {
  std::vector<Range> all;
  for (int64_t n : {0, 1, 2, 33, 1025}) {
    if (n > 33 && (dtype == kInt8 || dtype == kUInt8)) continue;  // they would overflow
    const auto out = [&] { return empty({n}, {.dtype = dtype}); };
    const int64_t least = dtype == kUInt8 ? 0 : -7;
    all.push_back({out(), true, {least, 3}, {}});
    all.push_back({out(), true, {100, -1}, {}});
    all.push_back({out(), false, {}, {0.5, 0.125, 0, n}});
    if (n > 1) {
      const double step = 90.0 / static_cast<double>(n - 1);
      all.push_back({out(), false, {}, {10, step, 100, (n + 1) / 2}});
    }
  }
  if (dtype == kInt64) {  // numbers that a double cannot hold
    all.push_back({empty({9}, {.dtype = dtype}), true, {(1LL << 60) + 1, 7}, {}});
  }
  return all;
}

}  // namespace

std::string Range::describe() const {
  return integer
             ? fmt::format("range of {} from {} by {}", out.describe(), integers.start,
                           integers.step)
             : fmt::format("range of {} from {} by {}", out.describe(), reals.start, reals.step);
}

Cost Range::cost() const { return {0, static_cast<double>(out.nbytes())}; }

KernelSet<Range>& range_kernels() {
  static auto* set = new KernelSet<Range>("range", "range", samples);
  return *set;
}

}  // namespace iolaus
