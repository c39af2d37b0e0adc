// matmul of float16 and bfloat16 on tensor cores, by mma.sync: any sizes, strides and batches.
//
// A block computes a tile of C in steps of 32 along K. The steps' tiles of A and B come through a
// ring of four stages in shared memory, filled by cp.async three steps ahead; each warp multiplies
// its part from fragments in registers, summing in float. An operand's tile lies as the operand
// does (K along rows, or M or N), and ldmatrix transposes where needed. 2 M N K flops; A is read
// ceil(N / 128) times (or / 64, for products with too few tiles of 128 to fill a GPU), B likewise
// with M, mostly from L2. Deterministic: no atomics, K in order.
#include "kernels/matmul/matmul.h"
#include "kernels/mma_tile.cuh"

namespace iolaus {
namespace {

constexpr int kStages = 4, kDepth = 32;

// Tile sizes, and how many warps share them.
template <int kRows, int kColumns, int kWarpRows, int kWarpColumns> struct Tile {
  static constexpr int kM = kRows, kN = kColumns, kWarpsM = kWarpRows, kWarpsN = kWarpColumns;
  static constexpr int kThreads = kWarpsM * kWarpsN * gpu::kWarp;
  static constexpr int kStage = (kM + kN) * kDepth;  // elements
  static constexpr int kPadded = kN + 8;             // of a row of C on its way out
  static constexpr size_t kBytes = 2 * std::max(kStages * kStage, kM* kPadded);
};
using LargeTile = Tile<128, 128, 2, 2>;
using SmallTile = Tile<64, 64, 2, 2>;

template <class T> struct MmaProblem {
  int64_t m, n, k, batch;
  T* c;
  const T *a, *b, *bias;
  int64_t row[3], column[3], bias_row, bias_column;
  float alpha, beta;
  bool a_aligned, b_aligned, c_aligned;  // 16-byte accesses are possible
  int batch_rank;
  int64_t batch_sizes[kMaxRank], batch_strides[3][kMaxRank];
};

// Addresses of C, A, B of one item of the batch.
template <class T> struct Operands {
  T* c;
  const T *a, *b;
};
template <class T>
__device__ __forceinline__ Operands<T> operands_of(const MmaProblem<T>& p, int64_t item) {
  Operands<T> at{p.c, p.a, p.b};
  for (int d = p.batch_rank - 1; d >= 0; --d) {
    const int64_t quotient = gpu::fast_div(item, p.batch_sizes[d]);
    const int64_t i = item - quotient * p.batch_sizes[d];
    at.c += i * p.batch_strides[0][d];
    at.a += i * p.batch_strides[1][d];
    at.b += i * p.batch_strides[2][d];
    item = quotient;
  }
  return at;
}

// Tiles in bands of 8 tile rows, column by column: blocks that run together share rows of A and
// columns of B in L2.
struct TilePlace {
  int64_t row, column;
};
__device__ __forceinline__ TilePlace place_of(int64_t tile, int64_t rows, int64_t columns) {
  constexpr int64_t kBand = 8;
  const int64_t band = tile / (kBand * columns), rest = tile - band * kBand * columns;
  const int64_t height = rows - band * kBand < kBand ? rows - band * kBand : kBand;
  return {band * kBand + rest % height, rest / height};
}

// kDepthRows: the operand's tile has K along its columns' direction, (K, M) or (K, N), because M or
// N is dense in memory.
template <class T, class S, bool kADepthRows, bool kBDepthRows> struct Mma {
  static constexpr int kPartM = S::kM / S::kWarpsM, kPartN = S::kN / S::kWarpsN;  // of one warp
  static constexpr int kTilesM = kPartM / 16, kTilesN = kPartN / 8;
  static constexpr int kAColumns = kADepthRows ? S::kM : kDepth;
  static constexpr int kBColumns = kBDepthRows ? S::kN : kDepth;

  // The tiles of one step: a and b are its first elements; so many rows, columns and depths exist.
  __device__ static void fill(const MmaProblem<T>& p, const T* a, const T* b, int rows, int columns,
                              int depth, T* stage) {
    if constexpr (kADepthRows) {
      gpu::fill_tile<kDepth, S::kM, S::kThreads, T>(
          stage, {a, p.column[1], p.row[1], depth, rows, p.a_aligned});
    } else {
      gpu::fill_tile<S::kM, kDepth, S::kThreads, T>(
          stage, {a, p.row[1], p.column[1], rows, depth, p.a_aligned});
    }
    stage += S::kM * kDepth;
    if constexpr (kBDepthRows) {
      gpu::fill_tile<kDepth, S::kN, S::kThreads, T>(
          stage, {b, p.row[2], p.column[2], depth, columns, p.b_aligned});
    } else {
      gpu::fill_tile<S::kN, kDepth, S::kThreads, T>(
          stage, {b, p.column[2], p.row[2], columns, depth, p.b_aligned});
    }
  }

  // sums += the product of one step's tiles, for this warp's part.
  __device__ static void multiply(const T* stage, int row, int column,
                                  float (&sums)[kTilesM][kTilesN][4]) {
#pragma unroll
    for (int k = 0; k < kDepth; k += 16) {
      uint32_t a[kTilesM][4], b[kTilesN / 2][4];
#pragma unroll
      for (int i = 0; i < kTilesM; ++i) {
        gpu::load_a<kAColumns, kADepthRows>(a[i], stage, row + i * 16, k);
      }
#pragma unroll
      for (int j = 0; j < kTilesN / 2; ++j) {
        gpu::load_b<kBColumns, kBDepthRows>(b[j], stage + S::kM * kDepth, column + j * 16, k);
      }
#pragma unroll
      for (int i = 0; i < kTilesM; ++i) {
#pragma unroll
        for (int j = 0; j < kTilesN; ++j) {
          ptx::mma_m16n8k16<T>(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
        }
      }
    }
  }

  // Calls fn(row, column, sum) for the elements that a lane holds, in this warp's part.
  template <class Fn>
  __device__ static void for_each(const float (&sums)[kTilesM][kTilesN][4], int row, int column,
                                  Fn&& fn) {
    const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
#pragma unroll
    for (int i = 0; i < kTilesM; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
#pragma unroll
        for (int j = 0; j < kTilesN; ++j) {
          fn(row + i * 16 + half * 8 + lane / 4, column + j * 8 + lane % 4 * 2,
             sums[i][j][half * 2], sums[i][j][half * 2 + 1]);
        }
      }
    }
  }

  __device__ static float finish(const MmaProblem<T>& p, int64_t i, int64_t j, float sum) {
    const float value = p.alpha * sum;
    if (p.bias == nullptr || i >= p.m || j >= p.n) return value;
    return value + static_cast<float>(p.bias[i * p.bias_row + j * p.bias_column]);
  }

  // C through shared memory, so that whole rows of the tile are written 16 bytes at a time.
  __device__ static void store_rows(const MmaProblem<T>& p, T* c, int64_t i0, int64_t j0, int row,
                                    int column, const float (&sums)[kTilesM][kTilesN][4],
                                    T* shared) {
    for_each(sums, row, column, [&](int i, int j, float x, float y) {
      *reinterpret_cast<uint32_t*>(shared + i * S::kPadded + j) =
          ptx::pack_pair<T>(finish(p, i0 + i, j0 + j, x), finish(p, i0 + i, j0 + j + 1, y));
    });
    __syncthreads();
    constexpr int kChunks = S::kN / 8;
#pragma unroll 4
    for (int at = static_cast<int>(threadIdx.x); at < S::kM * kChunks; at += S::kThreads) {
      const int i = at / kChunks, j = at % kChunks * 8;
      if (i0 + i >= p.m || j0 + j >= p.n) continue;
      T* to = c + (i0 + i) * p.row[0] + j0 + j;
      const T* from = shared + i * S::kPadded + j;
      if (j0 + j + 8 <= p.n) {
        gpu::store_pack(to, gpu::load_pack<8>(from));
      } else {
        for (int q = 0; q < p.n - j0 - j; ++q) to[q] = from[q];
      }
    }
  }

  // C of any strides, and with beta.
  __device__ static void store_elements(const MmaProblem<T>& p, T* c, int64_t i0, int64_t j0,
                                        int row, int column,
                                        const float (&sums)[kTilesM][kTilesN][4]) {
    const auto store = [&](int64_t i, int64_t j, float sum) {
      if (i >= p.m || j >= p.n) return;
      T& out = c[i * p.row[0] + j * p.column[0]];
      float value = finish(p, i, j, sum);
      if (p.beta != 0) value += p.beta * static_cast<float>(out);
      out = T(value);
    };
    for_each(sums, row, column, [&](int i, int j, float x, float y) {
      store(i0 + i, j0 + j, x);
      store(i0 + i, j0 + j + 1, y);
    });
  }

  __device__ static int limited(int64_t n, int most) {
    return n < most ? static_cast<int>(n) : most;
  }

  __device__ static void run(const MmaProblem<T>& p, int64_t i0, int64_t j0, int64_t item) {
    T* shared = SHARED_DYNAMIC(T);
    const Operands<T> at = operands_of(p, item);
    const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
    const int row = warp / S::kWarpsN * kPartM, column = warp % S::kWarpsN * kPartN;
    const int rows = limited(p.m - i0, S::kM), columns = limited(p.n - j0, S::kN);
    const int steps = static_cast<int>(gpu::ceil_div(p.k, kDepth));
    const T *a = at.a + i0 * p.row[1], *b = at.b + j0 * p.column[2];
    int filled = 0;  // steps whose tiles are there or under way
    const auto fill_next = [&](int stage) {
      if (filled < steps) {
        fill(p, a, b, rows, columns, limited(p.k - filled * kDepth, kDepth),
             shared + stage * S::kStage);
        a += kDepth * p.column[1];
        b += kDepth * p.row[2];
        ++filled;
      }
      ptx::cp_async_commit();
    };
    for (int s = 0; s < kStages - 1; ++s) fill_next(s);
    float sums[kTilesM][kTilesN][4] = {};
    int stage = 0;
    for (int step = 0; step < steps; ++step) {
      ptx::cp_async_wait<kStages - 2>();
      __syncthreads();  // this step's tiles are there, and the last step's are no longer read
      fill_next(stage == 0 ? kStages - 1 : stage - 1);
      multiply(shared + stage * S::kStage, row, column, sums);
      stage = stage == kStages - 1 ? 0 : stage + 1;
    }
    // All tiles were waited for; the groups still under way are the empty ones of the last steps.
    if (p.c_aligned) {
      __syncthreads();  // C takes the place of the last step's tiles
      store_rows(p, at.c, i0, j0, row, column, sums, shared);
    } else {
      store_elements(p, at.c, i0, j0, row, column, sums);
    }
  }
};

// Blocks: x over tiles, y over the batch.
template <class T, class S, bool kADepthRows, bool kBDepthRows>
__global__ void __launch_bounds__(S::kThreads, 2)
    mma_kernel(const MmaProblem<T> p, int64_t row_tiles, int64_t column_tiles) {
  const TilePlace place = place_of(blockIdx.x, row_tiles, column_tiles);
  for (int64_t item = blockIdx.y; item < p.batch; item += gridDim.y) {
    if (item != blockIdx.y) __syncthreads();  // the last item's tiles are no longer read
    Mma<T, S, kADepthRows, kBDepthRows>::run(p, place.row * S::kM, place.column * S::kN, item);
  }
}

// Whether chunks of 8 elements of an operand, from each eighth on along the dense direction, are
// aligned: its address, and all other strides that matter.
bool is_aligned(const Matmul& p, int operand, bool along_row) {
  const int64_t dense = along_row ? p.row[operand] : p.column[operand];
  const int64_t other = along_row ? p.column[operand] : p.row[operand];
  if (dense != 1 || other % 8 != 0 || !gpu::is_aligned(p.data[operand], 16)) return false;
  for (int d = 0; d < p.batch_rank; ++d) {
    if (p.batch_strides[operand][d] % 8 != 0) return false;
  }
  return true;
}

// C' = B' A', the same product.
Matmul transposed(Matmul p) {
  std::swap(p.m, p.n);
  std::swap(p.row[0], p.column[0]);
  std::swap(p.data[1], p.data[2]);
  std::swap(p.batch_strides[1], p.batch_strides[2]);
  const int64_t row = p.row[1], column = p.column[1];
  p.row[1] = p.column[2], p.column[1] = p.row[2];
  p.row[2] = column, p.column[2] = row;
  return p;
}

template <class T, class S> void launch_tile(const Matmul& p, bool bias_along_rows) {
  const bool a_depth_rows = p.row[1] == 1 && p.column[1] != 1;
  const bool b_depth_rows = p.column[2] == 1 && p.row[2] != 1;
  MmaProblem<T> t{};
  t.m = p.m, t.n = p.n, t.k = p.k, t.batch = p.batch;
  t.c = static_cast<T*>(p.data[0]);
  t.a = static_cast<const T*>(p.data[1]);
  t.b = static_cast<const T*>(p.data[2]);
  t.bias = static_cast<const T*>(p.bias);
  t.bias_row = bias_along_rows ? p.bias_stride : 0;
  t.bias_column = bias_along_rows ? 0 : p.bias_stride;
  t.alpha = static_cast<float>(p.alpha), t.beta = static_cast<float>(p.beta);
  t.a_aligned = is_aligned(p, 1, a_depth_rows);
  t.b_aligned = is_aligned(p, 2, !b_depth_rows);
  t.c_aligned = p.beta == 0 && is_aligned(p, 0, false);
  t.batch_rank = p.batch_rank;
  std::copy_n(p.row, 3, t.row);
  std::copy_n(p.column, 3, t.column);
  std::copy_n(p.batch_sizes, p.batch_rank, t.batch_sizes);
  for (int i = 0; i < 3; ++i) {
    std::copy_n(p.batch_strides[i], p.batch_rank, t.batch_strides[i]);
  }
  const int64_t rows = gpu::ceil_div(p.m, S::kM), columns = gpu::ceil_div(p.n, S::kN);
  const dim3 grid(static_cast<unsigned>(rows * columns), gpu::grid_for(p.batch));
  const cuda::OnDevice stream(p.device());
  const auto start = [&](auto kernel) {
    gpu::launch(kernel, grid, S::kThreads, S::kBytes, stream, t, rows, columns);
  };
  if (a_depth_rows) {
    b_depth_rows ? start(mma_kernel<T, S, true, true>) : start(mma_kernel<T, S, true, false>);
  } else {
    b_depth_rows ? start(mma_kernel<T, S, false, true>) : start(mma_kernel<T, S, false, false>);
  }
}

const char* why_not(const Matmul& p) {
  const int64_t tiles = gpu::ceil_div(p.m, SmallTile::kM) * gpu::ceil_div(p.n, SmallTile::kN);
  constexpr int64_t kLimit = int64_t{1} << 31;
  return tiles < kLimit && p.k < kLimit ? nullptr : "K and the number of tiles must be below 2^31";
}

template <class S> void run_tile(const Matmul& p) {
  if (p.m == 0 || p.n == 0 || p.batch == 0) return;
  const bool flip = p.row[0] == 1 && p.column[0] != 1;  // so that C is written along its rows
  const Matmul q = flip ? transposed(p) : p;
  visit_dtype(TypeList<Half, BFloat16>{}, "matmul", p.element,
              [&]<class T>() { launch_tile<T, S>(q, flip); });
}

// Large tiles where they are enough to fill a GPU of about 100 multiprocessors.
void run(const Matmul& p) {
  const int64_t tiles = gpu::ceil_div(p.m, LargeTile::kM) * gpu::ceil_div(p.n, LargeTile::kN);
  tiles* p.batch >= 96 ? run_tile<LargeTile>(p) : run_tile<SmallTile>(p);
}

const std::vector<DType> kTypes{kFloat16, kBFloat16};
const bool kRegistered = matmul_kernels().add({"mma", kCUDA, kTypes, run, 5, why_not});
// Large tiles for all shapes.
const bool kLarge =
    matmul_kernels().add({"mma_large", kCUDA, kTypes, run_tile<LargeTile>, 4, why_not});

}  // namespace
}  // namespace iolaus
