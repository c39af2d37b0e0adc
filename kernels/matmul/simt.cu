// matmul of float32 on plain units (no TF32), where both operands are dense in one direction and
// aligned to 16 bytes; 'tile' takes the rest.
//
// A block computes a tile of 128 x 128 in steps of 8 along K (64 x 64 in steps of 16 where larger
// ones are too few to fill a GPU), each of its 256 threads 8 x 8 (4 x 4) sums in registers. The
// next step is on its way from global memory, 16 bytes a thread, while this one is multiplied;
// shared memory holds both operands with K as rows, read 16 bytes at a time. 2 M N K flops; 64 (16)
// of them for each 4 (2) reads from shared memory. Deterministic: K in order.
#include "kernels/gpu.h"
#include "kernels/matmul/matmul.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;
using Quad = gpu::Pack<float, 4>;

struct SimtProblem {
  int64_t m, n, k, batch;
  float* c;
  const float *a, *b, *bias;
  int64_t row[3], column[3], bias_row, bias_column;
  float alpha, beta;
  bool c_aligned;  // rows of C can be written 16 bytes at a time, and beta is 0
  int batch_rank;
  int64_t batch_sizes[kMaxRank], batch_strides[3][kMaxRank];

  __device__ int64_t offset(int64_t item, int operand) const {
    int64_t at = 0;
    for (int d = batch_rank - 1; d >= 0; --d) {
      const int64_t quotient = gpu::fast_div(item, batch_sizes[d]);
      at += (item - quotient * batch_sizes[d]) * batch_strides[operand][d];
      item = quotient;
    }
    return at;
  }
};

// kGroups: groups of 64 rows and of 64 columns in a tile.
template <int kGroups> struct Shape {
  static constexpr int kTile = 64 * kGroups, kDepth = 16 / kGroups, kPart = 4 * kGroups;
  static constexpr int kRow = kTile / 4 + 1;  // quads; one more, against bank conflicts
};

// One operand's tile of a step: (K, M) or (K, N) in shared memory. kDepthDense: K is dense in
// global memory, else M or N. Each thread brings one quad.
template <int kGroups, bool kDepthDense> struct Loader {
  using S = Shape<kGroups>;
  static constexpr int kAcross = (kDepthDense ? S::kDepth : S::kTile) / 4;
  int outer, depth;  // of this thread's quad
  const float* from;
  int64_t stride;  // of the direction that is not dense
  int64_t outer_left;

  __device__ Loader(const float* first, int64_t other_stride, int64_t left)
      : stride(other_stride), outer_left(left) {
    const int thread = static_cast<int>(threadIdx.x);
    outer = kDepthDense ? thread / kAcross : thread % kAcross * 4;
    depth = kDepthDense ? thread % kAcross * 4 : thread / kAcross;
    from = first + (kDepthDense ? outer * stride + depth : depth * stride + outer);
  }
  // Step after step; depth_left: what is left of K.
  __device__ Quad next(int64_t depth_left) {
    const int64_t across_left = kDepthDense ? depth_left - depth : outer_left - outer;
    const bool exists = kDepthDense ? outer < outer_left : depth < depth_left;
    Quad quad{};
    if (exists && across_left >= 4) {
      quad = gpu::load_pack<4>(from);
    } else if (exists) {
#pragma unroll
      for (int e = 0; e < 3; ++e) {
        if (e < across_left) quad.v[e] = from[e];
      }
    }
    from += kDepthDense ? S::kDepth : S::kDepth * stride;
    return quad;
  }
  __device__ void store(const Quad& quad, Quad (&tile)[S::kDepth][S::kRow]) const {
    if constexpr (kDepthDense) {
#pragma unroll
      for (int e = 0; e < 4; ++e) tile[depth + e][outer / 4].v[outer % 4] = quad.v[e];
    } else {
      tile[depth][outer / 4] = quad;
    }
  }
};

__device__ __forceinline__ void store_quad(const SimtProblem& p, float* c, int64_t i, int64_t j,
                                           const float* sums) {
  Quad quad;
#pragma unroll
  for (int e = 0; e < 4; ++e) {
    quad.v[e] = p.alpha * sums[e];
    if (p.bias != nullptr && i < p.m && j + e < p.n) {
      quad.v[e] += p.bias[i * p.bias_row + (j + e) * p.bias_column];
    }
  }
  if (i >= p.m) return;
  if (p.c_aligned && j + 4 <= p.n) {
    gpu::store_pack(c + i * p.row[0] + j, quad);
    return;
  }
#pragma unroll
  for (int e = 0; e < 4; ++e) {
    if (j + e >= p.n) continue;
    float& out = c[i * p.row[0] + (j + e) * p.column[0]];
    out = p.beta == 0 ? quad.v[e] : quad.v[e] + p.beta * out;
  }
}

// Blocks: x over tiles of N, y over tiles of M, z over the batch.
template <int kGroups, bool kADepthDense, bool kBDepthDense>
__global__ void __launch_bounds__(kThreads, kGroups == 2 ? 2 : 3)
    simt_kernel(const SimtProblem p, int64_t row_tiles) {
  using S = Shape<kGroups>;
  SHARED_ARRAY(Quad, a_tiles, [2][S::kDepth][S::kRow]);
  SHARED_ARRAY(Quad, b_tiles, [2][S::kDepth][S::kRow]);
  const int across = static_cast<int>(threadIdx.x) % 16, down = static_cast<int>(threadIdx.x) / 16;
  const int64_t j0 = static_cast<int64_t>(blockIdx.x) * S::kTile;
  for (int64_t item = blockIdx.z; item < p.batch; item += gridDim.z) {
    for (int64_t tile = blockIdx.y; tile < row_tiles; tile += gridDim.y) {
      const int64_t i0 = tile * S::kTile;
      Loader<kGroups, kADepthDense> a(p.a + p.offset(item, 1) + i0 * p.row[1],
                                      kADepthDense ? p.row[1] : p.column[1], p.m - i0);
      Loader<kGroups, kBDepthDense> b(p.b + p.offset(item, 2) + j0 * p.column[2],
                                      kBDepthDense ? p.column[2] : p.row[2], p.n - j0);
      float sums[S::kPart][S::kPart] = {};
      Quad a_next = a.next(p.k), b_next = b.next(p.k);
      int stage = 0;
      for (int64_t l = 0; l < p.k; l += S::kDepth, stage ^= 1) {
        a.store(a_next, a_tiles[stage]);
        b.store(b_next, b_tiles[stage]);
        // One barrier a step: who stores here has passed the last one, so all have read this
        // stage's former tiles.
        __syncthreads();
        const int64_t left = p.k - l - S::kDepth;
        a_next = a.next(left);
        b_next = b.next(left);
#pragma unroll
        for (int d = 0; d < S::kDepth; ++d) {
          Quad x[kGroups], y[kGroups];
#pragma unroll
          for (int group = 0; group < kGroups; ++group) {
            x[group] = a_tiles[stage][d][group * 16 + down];
            y[group] = b_tiles[stage][d][group * 16 + across];
          }
#pragma unroll
          for (int i = 0; i < S::kPart; ++i) {
#pragma unroll
            for (int j = 0; j < S::kPart; ++j) {
              sums[i][j] += x[i / 4].v[i % 4] * y[j / 4].v[j % 4];
            }
          }
        }
      }
      float* c = p.c + p.offset(item, 0);
#pragma unroll
      for (int i = 0; i < S::kPart; ++i) {
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
          store_quad(p, c, i0 + i / 4 * 64 + down * 4 + i % 4, j0 + group * 64 + across * 4,
                     &sums[i][group * 4]);
        }
      }
      __syncthreads();  // the next tile overwrites the stages
    }
  }
}

// Whether quads along the dense direction of an operand are aligned.
bool is_aligned(const Matmul& p, int operand, bool along_row) {
  const int64_t dense = along_row ? p.row[operand] : p.column[operand];
  const int64_t other = along_row ? p.column[operand] : p.row[operand];
  if (dense != 1 || other % 4 != 0 || !gpu::is_aligned(p.data[operand], 16)) return false;
  for (int d = 0; d < p.batch_rank; ++d) {
    if (p.batch_strides[operand][d] % 4 != 0) return false;
  }
  return true;
}

const char* why_not(const Matmul& p) {
  for (int operand : {1, 2}) {
    if (!is_aligned(p, operand, true) && !is_aligned(p, operand, false)) {
      return "A and B must be dense in rows or columns, and aligned to 16 bytes";
    }
  }
  return gpu::ceil_div(p.n, 64) < (int64_t{1} << 31) ? nullptr : "the product has too many columns";
}

template <int kGroups> void run_tile(const Matmul& p) {
  if (p.m == 0 || p.n == 0 || p.batch == 0) return;
  SimtProblem t{};
  t.m = p.m, t.n = p.n, t.k = p.k, t.batch = p.batch;
  t.c = static_cast<float*>(p.data[0]);
  t.a = static_cast<const float*>(p.data[1]);
  t.b = static_cast<const float*>(p.data[2]);
  t.bias = static_cast<const float*>(p.bias);
  t.bias_row = 0, t.bias_column = p.bias_stride;
  t.alpha = static_cast<float>(p.alpha), t.beta = static_cast<float>(p.beta);
  t.c_aligned = p.beta == 0 && is_aligned(p, 0, false);
  t.batch_rank = p.batch_rank;
  std::copy_n(p.row, 3, t.row);
  std::copy_n(p.column, 3, t.column);
  std::copy_n(p.batch_sizes, p.batch_rank, t.batch_sizes);
  for (int i = 0; i < 3; ++i) std::copy_n(p.batch_strides[i], p.batch_rank, t.batch_strides[i]);
  const int64_t rows = gpu::ceil_div(p.m, Shape<kGroups>::kTile);
  const dim3 grid(static_cast<unsigned>(gpu::ceil_div(p.n, Shape<kGroups>::kTile)),
                  gpu::grid_for(rows), gpu::grid_for(p.batch));
  const cuda::OnDevice stream(p.device());
  const auto start = [&](auto kernel) { gpu::launch(kernel, grid, kThreads, 0, stream, t, rows); };
  const bool a_depth_dense = is_aligned(p, 1, false), b_depth_dense = is_aligned(p, 2, true);
  if (a_depth_dense) {
    b_depth_dense ? start(simt_kernel<kGroups, true, true>)
                  : start(simt_kernel<kGroups, true, false>);
  } else {
    b_depth_dense ? start(simt_kernel<kGroups, false, true>)
                  : start(simt_kernel<kGroups, false, false>);
  }
}

// Large tiles where they are enough to fill a GPU of about 100 multiprocessors.
void run(const Matmul& p) {
  gpu::ceil_div(p.m, 128) * gpu::ceil_div(p.n, 128) * p.batch >= 96 ? run_tile<2>(p)
                                                                    : run_tile<1>(p);
}

const bool kRegistered = matmul_kernels().add({"simt", kCUDA, {kFloat32}, run, 3, why_not});
// Large tiles for all shapes.
const bool kLarge =
    matmul_kernels().add({"simt_large", kCUDA, {kFloat32}, run_tile<2>, 2, why_not});

}  // namespace
}  // namespace iolaus
