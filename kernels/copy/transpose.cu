// copy on CUDA where rows of the output are columns of the input (any permutation that moves the
// innermost dimension): tiles go through shared memory, so that both sides are accessed in order,
// with up to 8 bytes a thread. Only bits move, so one kernel for each element size serves all
// dtypes. Bandwidth-bound: each element is read and written once.
#include "kernels/copy/copy.h"
#include "kernels/gpu.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;
constexpr int kLines = kThreads / gpu::kWarp;

// out[i * out_step + j] = in[i + j * in_step] for i < rows, j < columns, of each matrix of the
// outer dimensions.
struct Transposed {
  int64_t rows, columns, out_step, in_step, row_tiles, column_tiles, jobs;
  int outer_rank;
  int64_t sizes[kMaxRank], out_strides[kMaxRank], in_strides[kMaxRank];
};

/// Elements in one access: 8 bytes, as far as a tile of 32 of them squared fits shared memory.
template <class T> inline constexpr int kWide = sizeof(T) == 8 ? 1 : (sizeof(T) == 4 ? 2 : 4);

// A tile has 32 V elements a side; whole packs of V are in range or out of it.
template <class T, int V>
__global__ void __launch_bounds__(kThreads)
    copy_transposed_kernel(Transposed t, T* out_base, const T* in_base) {
  constexpr int kTile = gpu::kWarp * V;
  SHARED_ARRAY(T, tile, [kTile][kTile + 1]);  // + 1: columns lie in different banks
  const int lane = threadIdx.x % gpu::kWarp * V, line = threadIdx.x / gpu::kWarp;
  for (int64_t job = blockIdx.x; job < t.jobs; job += gridDim.x) {
    T* out = out_base;
    const T* in = in_base;
    int64_t rest = job / (t.row_tiles * t.column_tiles);
    for (int d = t.outer_rank - 1; d >= 0; --d) {
      out += rest % t.sizes[d] * t.out_strides[d];
      in += rest % t.sizes[d] * t.in_strides[d];
      rest /= t.sizes[d];
    }
    const int64_t row0 = job / t.column_tiles % t.row_tiles * kTile;
    const int64_t column0 = job % t.column_tiles * kTile;
    for (int j = line; j < kTile; j += kLines) {
      if (row0 + lane < t.rows && column0 + j < t.columns) {
        const auto pack = gpu::load_pack<V>(in + row0 + lane + (column0 + j) * t.in_step);
#pragma unroll
        for (int v = 0; v < V; ++v) tile[j][lane + v] = pack.v[v];
      }
    }
    __syncthreads();
    for (int i = line; i < kTile; i += kLines) {
      if (row0 + i < t.rows && column0 + lane < t.columns) {
        gpu::Pack<T, V> pack;
#pragma unroll
        for (int v = 0; v < V; ++v) pack.v[v] = tile[lane + v][i];
        gpu::store_pack<V>(out + (row0 + i) * t.out_step + column0 + lane, pack);
      }
    }
    __syncthreads();  // the next tile overwrites this one
  }
}

// The innermost dimension is dense in the output and the one before it in the input.
const char* why_not(const Pointwise& p) {
  const int r = p.rank;
  if (p.dtypes[0] != p.dtypes[1]) return "it moves bits between equal dtypes";
  const bool transposed = p.data[1] != nullptr && r >= 2 && p.strides[0][r - 1] == 1 &&
                          p.strides[1][r - 2] == 1 && p.strides[1][r - 1] > 1 &&
                          p.sizes[r - 1] >= 8 && p.sizes[r - 2] >= 8;
  return transposed ? nullptr : "the last two dimensions are not swapped between input and output";
}

// Both sides in whole packs of V elements, and enough of them for a tile.
template <class T, int V> bool fits(const Pointwise& p) {
  const int r = p.rank;
  bool all = gpu::is_aligned(p.data[0], sizeof(T) * V) && gpu::is_aligned(p.data[1], sizeof(T) * V);
  for (int d = 0; d < 2; ++d) {
    all = all && p.sizes[r - 1 - d] % V == 0 && p.sizes[r - 1 - d] >= gpu::kWarp * V / 2;
    for (int k = 0; k < r; ++k) all = all && (p.strides[d][k] == 1 || p.strides[d][k] % V == 0);
  }
  return all;
}

template <class T, int V> void launch_tiles(const Pointwise& p) {
  constexpr int kTile = gpu::kWarp * V;
  const int r = p.rank;
  Transposed t;
  t.rows = p.sizes[r - 2];
  t.columns = p.sizes[r - 1];
  t.out_step = p.strides[0][r - 2];
  t.in_step = p.strides[1][r - 1];
  t.row_tiles = gpu::ceil_div(t.rows, kTile);
  t.column_tiles = gpu::ceil_div(t.columns, kTile);
  t.jobs = p.numel / (t.rows * t.columns) * t.row_tiles * t.column_tiles;
  t.outer_rank = r - 2;
  for (int d = 0; d < r - 2; ++d) {
    t.sizes[d] = p.sizes[d];
    t.out_strides[d] = p.strides[0][d];
    t.in_strides[d] = p.strides[1][d];
  }
  const cuda::OnDevice stream(p.device());
  gpu::launch(copy_transposed_kernel<T, V>, gpu::grid_for(t.jobs, 1), kThreads, 0, stream, t,
              static_cast<T*>(p.data[0]), static_cast<const T*>(p.data[1]));
}

void run(const Pointwise& p) {
  if (p.numel == 0) return;
  constexpr DType kBits[] = {kUInt8, kInt16, kInt32, kInt64};
  visit_dtype(TypeList<uint8_t, int16_t, int32_t, int64_t>{}, "copy",
              kBits[__builtin_ctzll(item_size(p.dtypes[0]))], [&]<class T>() {
                if constexpr (kWide < T >> 1) {
                  if (fits<T, kWide<T>>(p)) return launch_tiles<T, kWide<T>>(p);
                }
                launch_tiles<T, 1>(p);
              });
}

const bool kRegistered = copy_kernels().add(
    {"transpose",
     kCUDA,
     {kFloat32, kFloat64, kFloat16, kBFloat16, kBool, kUInt8, kInt8, kInt16, kInt32, kInt64},
     run,
     2,
     why_not});

}  // namespace
}  // namespace iolaus
