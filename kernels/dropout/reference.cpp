// The truth for dropout: one Philox call for every element.
#include "kernels/dropout/dropout.h"
#include "kernels/elementwise/domain.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

void run(const Dropout& d) {
  for (int64_t i = 0; i < d.numel; ++i) {
    const bool kept = static_cast<double>(philox_uniform(d.key, static_cast<uint64_t>(i))) >= d.p;
    store_real(d.out, d.element, i, kept ? load_real(d.x, d.element, i) * d.scale() : 0.0);
  }
}
const bool kRegistered = dropout_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), run});

}  // namespace
}  // namespace iolaus
