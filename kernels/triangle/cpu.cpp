// triangle on the CPU: each row's part is copied as bytes, the rest is 0.
#include <cstring>

#include "core/parallel.h"
#include "kernels/elementwise/domain.h"
#include "kernels/triangle/triangle.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 16384;  // elements that are worth a thread

void run(const Triangle& t) {
  if (t.x.numel() == 0) return;
  const int64_t rows = t.x.size(-2), columns = t.x.size(-1);
  const auto bytes = static_cast<size_t>(item_size(t.dtype()));
  const auto* source = static_cast<const char*>(t.x.raw_data());
  auto* target = static_cast<char*>(t.out.raw_data());
  parallel_for(t.x.numel() / columns, kGrain / columns + 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      // Columns [0, edge) belong to the lower triangle, or do not to the upper one.
      const int64_t first = row % rows + t.diagonal + (t.lower ? 1 : 0);
      const int64_t edge = std::clamp(first, int64_t{0}, columns);
      const size_t at = static_cast<size_t>(row * columns) * bytes;
      const size_t left = static_cast<size_t>(edge) * bytes;
      const size_t right = static_cast<size_t>(columns - edge) * bytes;
      if (t.lower) {
        std::memcpy(target + at, source + at, left);
        std::memset(target + at + left, 0, right);
      } else {
        std::memset(target + at, 0, left);
        std::memcpy(target + at + left, source + at + left, right);
      }
    }
  });
}

const bool kRegistered = triangle_kernels().add({"cpu", kCPU, dtypes_of(AllTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
