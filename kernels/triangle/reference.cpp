// The truth for triangle: element by element.
#include "kernels/elementwise/domain.h"
#include "kernels/triangle/triangle.h"

namespace iolaus {
namespace {

void run(const Triangle& t) {
  const int64_t rows = t.x.size(-2), columns = t.x.size(-1);
  visit_dtype(AllTypes{}, "triangle", t.dtype(), [&]<class T>() {
    const T* x = t.x.data<T>();
    T* out = t.out.data<T>();
    for (int64_t at = 0; at < t.x.numel(); ++at) {
      const int64_t i = at / columns % rows, j = at % columns;
      const bool inside = t.lower ? j - i <= t.diagonal : j - i >= t.diagonal;
      out[at] = inside ? x[at] : T{};
    }
  });
}

const bool kRegistered = triangle_kernels().add({"reference", kCPU, dtypes_of(AllTypes{}), run});

}  // namespace
}  // namespace iolaus
