// The precision of float32 products, for the whole process.
#include "kernels/fp32_precision.h"

#include <atomic>

#include "core/error.h"
#include "kernels/kernel_set.h"

namespace iolaus {
namespace {

std::atomic<Fp32Precision> g_precision{Fp32Precision::kIeee};

}  // namespace

Fp32Precision fp32_precision() { return g_precision.load(std::memory_order_relaxed); }

void set_fp32_precision(Fp32Precision precision) {
  g_precision = precision;
  // What was measured holds for one precision.
  for (KernelSetBase* set : all_kernel_sets()) set->resolve_anew();
}

Fp32Precision parse_fp32_precision(const std::string& text) {
  if (text == "ieee") return Fp32Precision::kIeee;
  if (text == "tf32") return Fp32Precision::kTf32;
  throw Error(ErrorCode::kConfig,
              fmt::format("fp32_precision must be ieee or tf32, not '{}'", text));
}

}  // namespace iolaus
