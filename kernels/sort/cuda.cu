// sort on CUDA: a bitonic network (Batcher 1968) over rows padded to a power of two; every step is
// one kernel over all pairs, ordered by the stream. Ties are broken by the index, so the network,
// which is not stable by itself, gives the stable order. Deterministic. n log^2 n comparisons.
#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/sort/sort.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;

// keys, indices: (rows, padded); index -1 marks padding, which comes last.
template <class T>
__global__ void __launch_bounds__(kThreads)
    sort_load_kernel(const T* x, MathType<T>* keys, int64_t* indices, int64_t rows, int64_t n,
                     int64_t padded) {
  for (int64_t i = gpu::global_thread(); i < rows * padded; i += gpu::global_threads()) {
    const int64_t row = i / padded, j = i % padded;
    keys[i] = j < n ? static_cast<MathType<T>>(x[row * n + j]) : MathType<T>(0);
    indices[i] = j < n ? j : -1;
  }
}

template <class K>
__device__ __forceinline__ bool comes_first(K a, int64_t ia, K b, int64_t ib, bool descending) {
  if (ia < 0 || ib < 0) return ib < 0 && ia >= 0;
  if (sorts_before(a, b, descending)) return true;
  return !sorts_before(b, a, descending) && ia < ib;
}

// One step: elements that are `distance` apart, in blocks of `length` that alternate in direction.
template <class K>
__global__ void __launch_bounds__(kThreads)
    sort_step_kernel(K* keys, int64_t* indices, int64_t rows, int64_t padded, int64_t length,
                     int64_t distance, bool descending) {
  for (int64_t p = gpu::global_thread(); p < rows * (padded / 2); p += gpu::global_threads()) {
    const int64_t row = p / (padded / 2), pair = p % (padded / 2);
    const int64_t j = pair / distance * 2 * distance + pair % distance;
    const int64_t a = row * padded + j, b = a + distance;
    const bool up = (j & length) == 0;
    const bool wrong = up ? comes_first(keys[b], indices[b], keys[a], indices[a], descending)
                          : comes_first(keys[a], indices[a], keys[b], indices[b], descending);
    if (wrong) {
      const K key = keys[a];
      const int64_t index = indices[a];
      keys[a] = keys[b];
      indices[a] = indices[b];
      keys[b] = key;
      indices[b] = index;
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    sort_store_kernel(const T* x, const int64_t* sorted, T* values, int64_t* indices, int64_t rows,
                      int64_t n, int64_t padded) {
  for (int64_t i = gpu::global_thread(); i < rows * n; i += gpu::global_threads()) {
    const int64_t row = i / n, j = i % n;
    const int64_t index = sorted[row * padded + j];
    indices[i] = index;
    values[i] = x[row * n + index];
  }
}

void run(const Sort& s) {
  if (s.rows * s.n == 0) return;
  const cuda::OnDevice stream(s.target);
  int64_t padded = 1;
  while (padded < s.n) padded *= 2;
  visit_dtype(AllTypes{}, "sort", s.element, [&]<class T>() {
    using K = MathType<T>;
    const gpu::DeviceScratch<K> keys(s.target, s.rows * padded);
    const gpu::DeviceScratch<int64_t> indices(s.target, s.rows * padded);
    const T* x = static_cast<const T*>(s.x);
    const int64_t all = s.rows * padded;
    gpu::launch(sort_load_kernel<T>, gpu::grid_for(all, kThreads), kThreads, 0, stream, x,
                keys.data(), indices.data(), s.rows, s.n, padded);
    for (int64_t length = 2; length <= padded; length *= 2) {
      for (int64_t distance = length / 2; distance > 0; distance /= 2) {
        gpu::launch(sort_step_kernel<K>, gpu::grid_for(all / 2, kThreads), kThreads, 0, stream,
                    keys.data(), indices.data(), s.rows, padded, length, distance, s.descending);
      }
    }
    gpu::launch(sort_store_kernel<T>, gpu::grid_for(s.rows * s.n, kThreads), kThreads, 0, stream, x,
                indices.data(), static_cast<T*>(s.values), s.indices, s.rows, s.n, padded);
  });
}

const char* why_not(const Sort& s) {
  return s.count != s.n ? "sorts whole rows; ask for all columns" : nullptr;
}

const bool kRegistered =
    sort_kernels().add({"cuda", kCUDA, dtypes_of(AllTypes{}), run, 1, why_not});

}  // namespace
}  // namespace iolaus
