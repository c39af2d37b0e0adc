// The norm, the scaling and the clamping of many tensors on the CPU. The norm's chunks are joined
// in order.
#include <atomic>
#include <cmath>

#include "kernels/elementwise/domain.h"
#include "kernels/optimizer/cpu_chunks.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/reduce/cpu_reduce.h"

namespace iolaus {
namespace {

// What the norm of an order adds up: squares and magnitudes as vectors, other powers one by one.
template <class Math> double sum_of_powers(double order, const Math* x, int64_t count) {
  if (order == 2) return static_cast<double>(cpu::reduce_row<cpu::SquareStep>(x, count));
  alignas(64) Math magnitudes[cpu::kChunk];
  simd::run([&] {
    for (int64_t i = 0; i < count; ++i) magnitudes[i] = x[i] < Math(0) ? -x[i] : x[i];
  });
  const Math* all = magnitudes;
  if (std::isinf(order)) return static_cast<double>(cpu::reduce_row<cpu::MaxStep>(all, count));
  if (order == 1) return static_cast<double>(cpu::reduce_row<cpu::SumStep>(all, count));
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += std::pow(static_cast<double>(all[i]), order);
  return sum;
}

template <class T> void norm_typed(const TensorList& list) {
  using Math = MathType<T>;
  const std::vector<cpu::Chunk> chunks = cpu::make_chunks(list.items);
  std::vector<double> sums(chunks.size());
  cpu::for_each_chunk(chunks, [&](size_t i) {
    alignas(64) Math buffer[cpu::kChunk];
    const T* x = static_cast<const T*>(list.items[chunks[i].item].data) + chunks[i].begin;
    const Math* block = cpu::load_block<Math, false>(x, chunks[i].count, 1, buffer);
    sums[i] = sum_of_powers(list.order, block, chunks[i].count);
  });
  double total = 0;
  for (double s : sums) {
    total = std::isinf(list.order) ? cpu::MaxStep::join(total, s) : total + s;
  }
  if (list.order == 2) total = std::sqrt(total);
  if (list.order != 1 && list.order != 2 && !std::isinf(list.order)) {
    total = std::pow(total, 1 / list.order);
  }
  *static_cast<Math*>(list.scalar) = static_cast<Math>(total);
}

template <class T> void clamp_typed(const TensorList& list) {
  using Math = MathType<T>;
  const std::vector<cpu::Chunk> chunks = cpu::make_chunks(list.items);
  const Math high = static_cast<Math>(list.limit), low = -high;
  cpu::for_each_chunk(chunks, [&](size_t i) {
    T* x = static_cast<T*>(list.items[chunks[i].item].data) + chunks[i].begin;
    const int64_t count = chunks[i].count;
    simd::run([&] {
      for (int64_t k = 0; k < count; ++k) {
        const Math value = static_cast<Math>(x[k]);
        const Math above = value < low ? low : value;
        x[k] = static_cast<T>(above > high ? high : above);
      }
    });
  });
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

void norm(const TensorList& list) {
  visit_dtype(FloatTypes{}, "grad_norm", list.element, [&]<class T>() { norm_typed<T>(list); });
}
void scale(const TensorList& list) {
  visit_dtype(FloatTypes{}, "grad_scale", list.element, [&]<class T>() { scale_typed<T>(list); });
}
void clamp(const TensorList& list) {
  visit_dtype(FloatTypes{}, "grad_clamp", list.element, [&]<class T>() { clamp_typed<T>(list); });
}

const bool kNorm = grad_norm_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), norm, 1});
const bool kScale = grad_scale_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), scale, 1});
const bool kClamp = grad_clamp_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), clamp, 1});

}  // namespace
}  // namespace iolaus
