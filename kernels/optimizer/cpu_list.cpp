// The norm and the scaling of many tensors on the CPU. The norm's chunks are joined in order.
#include <atomic>
#include <cmath>

#include "kernels/elementwise/domain.h"
#include "kernels/optimizer/cpu_chunks.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/reduce/cpu_reduce.h"

namespace iolaus {
namespace {

template <class T> void norm_typed(const TensorList& list) {
  using Math = MathType<T>;
  const std::vector<cpu::Chunk> chunks = cpu::make_chunks(list.items);
  std::vector<double> sums(chunks.size());
  cpu::for_each_chunk(chunks, [&](size_t i) {
    alignas(64) Math buffer[cpu::kChunk];
    const T* x = static_cast<const T*>(list.items[chunks[i].item].data) + chunks[i].begin;
    const Math* block = cpu::load_block<Math, false>(x, chunks[i].count, 1, buffer);
    sums[i] = static_cast<double>(cpu::reduce_row<cpu::SquareStep>(block, chunks[i].count));
  });
  double sum = 0;
  for (double s : sums) sum += s;
  *static_cast<Math*>(list.scalar) = static_cast<Math>(std::sqrt(sum));
}

template <class T> void scale_typed(const TensorList& list) {
  using Math = MathType<T>;
  const std::vector<cpu::Chunk> chunks = cpu::make_chunks(list.items);
  const Math factor = *static_cast<const Math*>(list.scalar);
  std::atomic<bool> found{false};
  cpu::for_each_chunk(chunks, [&](size_t i) {
    T* x = static_cast<T*>(list.items[chunks[i].item].data) + chunks[i].begin;
    Math odd = 0;  // becomes NaN where a value is not finite
    simd::run([&] {
      constexpr int64_t kLanes = 64;
      Math lane[kLanes] = {};
      const int64_t n = chunks[i].count;
      for (int64_t at = 0; at < n; at += kLanes) {
        const int64_t width = std::min(kLanes, n - at);
        for (int64_t j = 0; j < width; ++j) {
          const Math value = static_cast<Math>(x[at + j]);
          lane[j] += value - value;
          x[at + j] = static_cast<T>(value * factor);
        }
      }
      for (int64_t j = 0; j < kLanes; ++j) odd += lane[j];
    });
    if (odd != Math(0)) found = true;
  });
  if (found && list.found_inf != nullptr) *static_cast<Math*>(list.found_inf) = 1;
}

const bool kNorm = grad_norm_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}),
                                            [](const TensorList& list) {
                                              visit_dtype(FloatTypes{}, "grad_norm", list.element,
                                                          [&]<class T>() { norm_typed<T>(list); });
                                            },
                                            1});
const bool kScale =
    grad_scale_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}),
                              [](const TensorList& list) {
                                visit_dtype(FloatTypes{}, "grad_scale", list.element,
                                            [&]<class T>() { scale_typed<T>(list); });
                              },
                              1});

}  // namespace
}  // namespace iolaus
