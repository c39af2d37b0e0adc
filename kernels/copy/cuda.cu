// copy, cast and fill on CUDA. Between equal dtypes only bits move, so one kernel for each element
// size serves all of them; transposed operands go through a tile in shared memory, so that both
// sides are accessed in order. Bandwidth-bound: each element is read and written once.
#include "kernels/copy/cast.h"
#include "kernels/copy/copy.h"
#include "kernels/elementwise/domain.h"
#include "kernels/elementwise/pointwise.cuh"

namespace iolaus {
namespace {

constexpr int kTile = 32, kTileThreads = 256;

// out[i * out_step + j] = in[i + j * in_step] for i < rows, j < columns, of each matrix of the
// outer dimensions.
struct Transposed {
  int64_t rows, columns, out_step, in_step, row_tiles, column_tiles, jobs;
  int outer_rank;
  int64_t sizes[kMaxRank], out_strides[kMaxRank], in_strides[kMaxRank];
};

template <class T>
__global__ void __launch_bounds__(kTileThreads)
    copy_transposed_kernel(Transposed t, T* out_base, const T* in_base) {
  SHARED_ARRAY(T, tile, [kTile][kTile + 1]);  // + 1: columns lie in different banks
  const int lane = threadIdx.x % kTile, line = threadIdx.x / kTile;
  constexpr int kLines = kTileThreads / kTile;
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
        tile[j][lane] = in[row0 + lane + (column0 + j) * t.in_step];
      }
    }
    __syncthreads();
    for (int i = line; i < kTile; i += kLines) {
      if (row0 + i < t.rows && column0 + lane < t.columns) {
        out[(row0 + i) * t.out_step + column0 + lane] = tile[lane][i];
      }
    }
    __syncthreads();  // the next matrix overwrites the tile
  }
}

// The innermost dimension is dense in the output and the one before it in the input.
bool is_transposed(const Pointwise& p) {
  const int r = p.rank;
  return p.data[1] != nullptr && r >= 2 && p.strides[0][r - 1] == 1 && p.strides[1][r - 2] == 1 &&
         p.strides[1][r - 1] > 1 && p.sizes[r - 1] >= 8 && p.sizes[r - 2] >= 8;
}

template <class T> void copy_transposed(const Pointwise& p) {
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
  gpu::launch(copy_transposed_kernel<T>, gpu::grid_for(t.jobs, 1), kTileThreads, 0, stream, t,
              static_cast<T*>(p.data[0]), static_cast<const T*>(p.data[1]));
}

struct Same {
  template <class T> __device__ T operator()(T x) const { return x; }
};
using BitTypes = TypeList<uint8_t, int16_t, int32_t, int64_t>;

void run_same(const Pointwise& p) {
  constexpr DType kBits[] = {kUInt8, kInt16, kInt32, kInt64};
  visit_dtype(BitTypes{}, "copy", kBits[__builtin_ctzll(item_size(p.dtypes[0]))], [&]<class T>() {
    if (is_transposed(p)) return copy_transposed<T>(p);
    gpu::pointwise_as<true>(p, Same{}, gpu::Types<T, T>{});
  });
}

void run(const Pointwise& p) {
  if (p.numel == 0) return;
  if (p.dtypes[0] == p.dtypes[1]) return run_same(p);
  visit_dtype(AllTypes{}, "copy", p.dtypes[1], [&]<class In>() {
    visit_dtype(AllTypes{}, "copy", p.dtypes[0], [&]<class Out>() {
      if constexpr (!std::is_same_v<Out, In>) {
        gpu::pointwise(p, Cast<Out, In>{}, gpu::Types<Out, In>{});
      }
    });
  });
}

const bool kRegistered = copy_kernels().add({"cuda", kCUDA, dtypes_of(AllTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
