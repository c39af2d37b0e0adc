// sort on CUDA: a bitonic network (Batcher 1968) over rows padded to a power of two. Steps between
// elements of one tile run in shared memory, all that follow each other in one launch; each longer
// step is a launch over all pairs. Ties are broken by the index, so the network, which is not
// stable by itself, gives the stable order. Deterministic. n log^2 n comparisons; keys and indices
// are moved (log(n / 2048))^2 / 2 times.
#include <bit>

#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/sort/sort.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;
constexpr int kTile = 2048, kTileThreads = 512;

// keys, indices: (rows, 2^shift); index -1 marks padding, which comes last.
template <class T>
__global__ void __launch_bounds__(kThreads)
    sort_load_kernel(const T* x, MathType<T>* keys, int32_t* indices, int64_t rows, int64_t n,
                     int shift) {
  const int64_t padded = int64_t{1} << shift;
  for (int64_t i = gpu::global_thread(); i < rows * padded; i += gpu::global_threads()) {
    const int64_t row = i >> shift, j = i & (padded - 1);
    keys[i] = j < n ? static_cast<MathType<T>>(x[row * n + j]) : MathType<T>(0);
    indices[i] = j < n ? static_cast<int32_t>(j) : -1;
  }
}

template <class K>
__device__ __forceinline__ bool comes_first(K a, int32_t ia, K b, int32_t ib, bool descending) {
  if (ib < 0) return ia >= 0;
  if (ia < 0) return false;
  if (sorts_before(a, b, descending)) return true;
  return !sorts_before(b, a, descending) && ia < ib;
}

// Puts elements a and b, of a block that goes up or down, in order.
template <class K>
__device__ __forceinline__ void exchange(K* keys, int32_t* indices, int64_t a, int64_t b, bool up,
                                         bool descending) {
  const K key_a = keys[a], key_b = keys[b];
  const int32_t index_a = indices[a], index_b = indices[b];
  const bool wrong = up ? comes_first(key_b, index_b, key_a, index_a, descending)
                        : comes_first(key_a, index_a, key_b, index_b, descending);
  if (!wrong) return;
  keys[a] = key_b, keys[b] = key_a;
  indices[a] = index_b, indices[b] = index_a;
}

// Pairs are numbered without a gap; distance is a power of two.
__device__ __forceinline__ int64_t first_of_pair(int64_t pair, int64_t distance) {
  return 2 * pair - (pair & (distance - 1));
}

// One step: elements that are `distance` apart, in blocks of `length` that alternate in direction.
// Rows are powers of two, so no pair crosses them. count: of all elements.
template <class K>
__global__ void __launch_bounds__(kThreads)
    sort_step_kernel(K* keys, int32_t* indices, int64_t count, int64_t padded, int64_t length,
                     int64_t distance, bool descending) {
  for (int64_t pair = gpu::global_thread(); pair < count / 2; pair += gpu::global_threads()) {
    const int64_t a = first_of_pair(pair, distance);
    const bool up = (a & (padded - 1) & length) == 0;
    exchange(keys, indices, a, a + distance, up, descending);
  }
}

// All steps of blocks of first_length up to last_length between elements of one tile.
template <class K>
__global__ void __launch_bounds__(kTileThreads)
    sort_tile_kernel(K* keys, int32_t* indices, int64_t count, int64_t padded, int64_t first_length,
                     int64_t last_length, bool descending) {
  SHARED_ARRAY(K, key, [kTile]);
  SHARED_ARRAY(int32_t, index, [kTile]);
  const int thread = static_cast<int>(threadIdx.x);
  for (int64_t base = static_cast<int64_t>(blockIdx.x) * kTile; base < count;
       base += static_cast<int64_t>(gridDim.x) * kTile) {
    const int size = count - base < kTile ? static_cast<int>(count - base) : kTile;
    for (int i = thread; i < size; i += kTileThreads) {
      key[i] = keys[base + i];
      index[i] = indices[base + i];
    }
    for (int64_t length = first_length; length <= last_length; length *= 2) {
      for (int64_t distance = length / 2 < kTile / 2 ? length / 2 : kTile / 2; distance > 0;
           distance /= 2) {
        __syncthreads();
        for (int pair = thread; pair < size / 2; pair += kTileThreads) {
          const int64_t a = first_of_pair(pair, distance);
          const bool up = ((base + a) & (padded - 1) & length) == 0;
          exchange(key, index, a, a + distance, up, descending);
        }
      }
    }
    __syncthreads();
    for (int i = thread; i < size; i += kTileThreads) {
      keys[base + i] = key[i];
      indices[base + i] = index[i];
    }
    __syncthreads();  // the next turn overwrites the tile
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    sort_store_kernel(const T* x, const int32_t* sorted, T* values, int64_t* indices, int64_t rows,
                      int64_t n, int shift) {
  for (int64_t i = gpu::global_thread(); i < rows * n; i += gpu::global_threads()) {
    const int64_t row = gpu::fast_div(i, n), j = i - row * n;
    const int64_t index = sorted[(row << shift) + j];
    indices[i] = index;
    values[i] = x[row * n + index];
  }
}

void run(const Sort& s) {
  if (s.rows * s.n == 0) return;
  const cuda::OnDevice stream(s.target);
  const auto padded = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(s.n)));
  const int shift = std::countr_zero(static_cast<uint64_t>(padded));
  visit_dtype(AllTypes{}, "sort", s.element, [&]<class T>() {
    using K = MathType<T>;
    const int64_t count = s.rows * padded;
    const gpu::DeviceScratch<K> keys(s.target, count);
    const gpu::DeviceScratch<int32_t> indices(s.target, count);
    const T* x = static_cast<const T*>(s.x);
    gpu::launch(sort_load_kernel<T>, gpu::grid_for(count, kThreads), kThreads, 0, stream, x,
                keys.data(), indices.data(), s.rows, s.n, shift);
    const auto tiles = [&](int64_t first_length, int64_t last_length) {
      gpu::launch(sort_tile_kernel<K>, gpu::grid_for(count, kTile), kTileThreads, 0, stream,
                  keys.data(), indices.data(), count, padded, first_length, last_length,
                  s.descending);
    };
    tiles(2, std::min<int64_t>(padded, kTile));
    for (int64_t length = 2 * kTile; length <= padded; length *= 2) {
      for (int64_t distance = length / 2; distance >= kTile; distance /= 2) {
        gpu::launch(sort_step_kernel<K>, gpu::grid_for(count / 2, kThreads), kThreads, 0, stream,
                    keys.data(), indices.data(), count, padded, length, distance, s.descending);
      }
      tiles(length, length);
    }
    gpu::launch(sort_store_kernel<T>, gpu::grid_for(s.rows * s.n, kThreads), kThreads, 0, stream, x,
                indices.data(), static_cast<T*>(s.values), s.indices, s.rows, s.n, shift);
  });
}

const char* why_not(const Sort& s) {
  if (s.count != s.n) return "sorts whole rows; ask for all columns";
  return s.n <= (int64_t{1} << 30) ? nullptr : "rows must have at most 2^30 elements";
}

const bool kRegistered =
    sort_kernels().add({"cuda", kCUDA, dtypes_of(AllTypes{}), run, 1, why_not});

}  // namespace
}  // namespace iolaus
