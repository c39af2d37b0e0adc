// The truth for scan: one element after the other, floating types in double.
#include "kernels/elementwise/domain.h"
#include "kernels/reference_io.h"
#include "kernels/scan/scan.h"

namespace iolaus {
namespace {

void run(const Scan& s) {
  for (int64_t row = 0; row < s.outer * s.inner; ++row) {
    const int64_t base = row / s.inner * s.n * s.inner + row % s.inner;
    double real = s.op == ScanOp::kSum ? 0 : 1;
    auto whole = static_cast<uint64_t>(real);
    for (int64_t j = 0; j < s.n; ++j) {
      const int64_t at = base + j * s.inner;
      if (is_floating(s.element)) {
        const double x = load_real(s.x, s.element, at);
        real = s.op == ScanOp::kSum ? real + x : real * x;
        store_real(s.out, s.element, at, real);
      } else {
        const auto x = static_cast<uint64_t>(load_integer(s.x, s.element, at));
        whole = s.op == ScanOp::kSum ? whole + x : whole * x;
        store_integer(s.out, s.element, at, static_cast<int64_t>(whole));
      }
    }
  }
}

const bool kRegistered =
    scan_kernels(ScanOp::kSum).add({"reference", kCPU, dtypes_of(ScanTypes{}), run}) &&
    scan_kernels(ScanOp::kProd).add({"reference", kCPU, dtypes_of(ScanTypes{}), run});

}  // namespace
}  // namespace iolaus
