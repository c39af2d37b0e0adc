// attention on tensor cores, backward, without atomics: one kernel for dq (a block for 64 queries,
// through all keys) and one for dk and dv (a block for 64 keys, through all queries of all heads
// that share them). Both compute the scores again from lse, which makes seven products of 2 D flops
// for each pair instead of the five of a kernel with atomics; in exchange the order of all sums is
// fixed.
#include "kernels/attention/flash.cuh"

namespace iolaus {
namespace {

constexpr int kBlock = gpu::kFlashWarps * 16;  // rows whose gradients a block computes

// delta = sum_j g_j out_j, one warp a row.
template <class T>
__global__ void __launch_bounds__(gpu::kFlashThreads, 2)
    flash_delta_kernel(const gpu::FlashProblem<T> p, float* delta) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int64_t rows = p.batch * p.heads * p.queries;
  for (int64_t r = gpu::global_thread() / gpu::kWarp; r < rows;
       r += gpu::global_threads() / gpu::kWarp) {
    const int64_t head = gpu::fast_div(r, p.queries), b = gpu::fast_div(head, p.heads);
    const int64_t h = head - b * p.heads;
    const int i = static_cast<int>(r - head * p.queries);
    const T *g = p.g.at(b, h, i), *out = p.out.at(b, h, i);
    float sum = 0;
    for (int d = lane; d < p.width; d += gpu::kWarp) {
      sum += static_cast<float>(g[d]) * static_cast<float>(out[d]);
    }
    sum = gpu::warp_reduce(sum, gpu::Sum{});
    if (lane == 0) delta[r] = sum;
  }
}

// lse in base 2. A row that saw nothing gets +inf, so that its probabilities are 0.
__device__ __forceinline__ float base2(float lse) {
  return lse == -INFINITY ? INFINITY : lse * gpu::kLog2E;
}

template <class T, int kD> struct QueryGradient {
  static constexpr int kKeys = kD <= 64 ? 64 : 32;
  static constexpr int kStage = 2 * kKeys * kD;  // k and v
  static constexpr size_t kBytes = sizeof(T) * (2 * kBlock * kD + 2 * kStage);
  using Problem = gpu::FlashProblem<T>;

  __device__ static void fill(const Problem& p, int64_t b, int64_t shared, int j, T* stage) {
    gpu::fill_rows<kKeys, kD>(stage, p.k, b, shared, j, p.keys, p.width);
    gpu::fill_rows<kKeys, kD>(stage + kKeys * kD, p.v, b, shared, j, p.keys, p.width);
  }

  // s becomes ds: probabilities times (dp - delta), without the scale.
  __device__ static void differentiate(const Problem& p, int i, int j, const float (&lse)[2],
                                       const float (&delta)[2], const float (&dp)[kKeys / 8][4],
                                       float (&s)[kKeys / 8][4]) {
    const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
    const gpu::Visible visible(p, i, j);
    const bool all_visible = visible.all_keys(kKeys);
#pragma unroll
    for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int row = lane / 4 + e / 2 * 8, key = n * 8 + lane % 4 * 2 + e % 2;
        const bool seen = all_visible || visible(row, key);
        const float x = seen ? ptx::exp2_approx(s[n][e] * p.scale2 - lse[e / 2]) : 0.0f;
        s[n][e] = x * (dp[n][e] - delta[e / 2]);
      }
    }
  }

  __device__ static void run(const Problem& p, int i0, int64_t b, int64_t h) {
    T* q = SHARED_DYNAMIC(T);
    T *g = q + kBlock * kD, *stages = g + kBlock * kD;
    const int64_t shared = h / (p.heads / p.kv_heads);
    const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
    const int row = static_cast<int>(threadIdx.x) / gpu::kWarp * 16;
    const int end = p.causal && i0 + kBlock < p.keys ? i0 + kBlock : p.keys;
    gpu::fill_rows<kBlock, kD>(q, p.q, b, h, i0, p.queries, p.width);
    gpu::fill_rows<kBlock, kD>(g, p.g, b, h, i0, p.queries, p.width);
    if (end > 0) fill(p, b, shared, 0, stages);
    ptx::cp_async_commit();
    float lse[2], delta[2], dq[kD / 8][4] = {};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int i = i0 + row + lane / 4 + half * 8;
      const int64_t at = p.statistics(b, h) + i;
      lse[half] = i < p.queries ? base2(p.lse[at]) : INFINITY;
      delta[half] = i < p.queries ? p.delta[at] : 0.0f;
    }
    int stage = 0;
    for (int j = 0; j < end; j += kKeys, stage ^= 1) {
      if (j + kKeys < end) fill(p, b, shared, j + kKeys, stages + (stage ^ 1) * kStage);
      ptx::cp_async_commit();
      ptx::cp_async_wait<1>();
      __syncthreads();  // this step's k and v are there
      const T *k = stages + stage * kStage, *v = k + kKeys * kD;
      float s[kKeys / 8][4], dp[kKeys / 8][4];
      gpu::multiply_tiles<T, kD, kKeys>(q, row, k, s);
      gpu::multiply_tiles<T, kD, kKeys>(g, row, v, dp);
      differentiate(p, i0 + row, j, lse, delta, dp, s);
      gpu::add_product<T, kD, kKeys>(s, k, dq);
      __syncthreads();  // they are no longer read
    }
    ptx::cp_async_wait<0>();
    __syncthreads();  // where there are no keys, q may still be on its way
    gpu::store_rows<T, kD>(dq, p.scale, p.scale, q, row, p.dq, b, h, i0 + row, p.queries, p.width);
    __syncthreads();  // q is no longer read: the next head's may come
  }
};

template <class T, int kD> struct KeyGradient {
  static constexpr int kQueries = kD <= 64 ? 64 : 32;
  static constexpr int kStage = 2 * kQueries * kD;  // q and g
  static constexpr int kStatistics = 2 * kQueries;  // lse and delta
  static constexpr size_t kBytes =
      sizeof(T) * (2 * kBlock * kD + 2 * kStage) + sizeof(float) * 2 * kStatistics;
  using Problem = gpu::FlashProblem<T>;

  __device__ static void fill(const Problem& p, int64_t b, int64_t h, int i, T* stage,
                              float* statistics) {
    gpu::fill_rows<kQueries, kD>(stage, p.q, b, h, i, p.queries, p.width);
    gpu::fill_rows<kQueries, kD>(stage + kQueries * kD, p.g, b, h, i, p.queries, p.width);
    const int at = static_cast<int>(threadIdx.x);
    if (at < kStatistics) {
      const float* from = (at < kQueries ? p.lse : p.delta) + p.statistics(b, h);
      const int query = i + at % kQueries;
      const bool exists = query < p.queries;
      ptx::cp_async<4>(statistics + at, exists ? from + query : from, exists ? 4 : 0);
    }
  }

  // Transposed scores (keys, queries) become probabilities, and dp becomes ds without the scale.
  __device__ static void differentiate(const Problem& p, int j, int i, const float* statistics,
                                       float (&s)[kQueries / 8][4], float (&dp)[kQueries / 8][4]) {
    const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
    const gpu::Visible visible(p, i, j);
#pragma unroll
    for (int n = 0; n < kQueries / 8; ++n) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int query = n * 8 + lane % 4 * 2 + e % 2, key = lane / 4 + e / 2 * 8;
        const float lse = base2(statistics[query]), delta = statistics[kQueries + query];
        const bool seen = query < visible.queries && visible(query, key);
        s[n][e] = seen ? ptx::exp2_approx(s[n][e] * p.scale2 - lse) : 0.0f;
        dp[n][e] = s[n][e] * (dp[n][e] - delta);
      }
    }
  }

  __device__ static void run(const Problem& p, int j0, int64_t b, int64_t shared) {
    T* k = SHARED_DYNAMIC(T);
    T *v = k + kBlock * kD, *stages = v + kBlock * kD;
    auto* statistics = reinterpret_cast<float*>(stages + 2 * kStage);
    const int row = static_cast<int>(threadIdx.x) / gpu::kWarp * 16;
    const int group = static_cast<int>(p.heads / p.kv_heads);
    // Steps: tiles of queries that see the first key, of one head after the other.
    const int first = p.causal ? j0 / kQueries * kQueries : 0;
    const int tiles = first < p.queries ? (p.queries - first + kQueries - 1) / kQueries : 0;
    gpu::fill_rows<kBlock, kD>(k, p.k, b, shared, j0, p.keys, p.width);
    gpu::fill_rows<kBlock, kD>(v, p.v, b, shared, j0, p.keys, p.width);
    if (tiles > 0) fill(p, b, shared * group, first, stages, statistics);
    ptx::cp_async_commit();
    float dk[kD / 8][4] = {}, dv[kD / 8][4] = {};
    int64_t h = shared * group;
    int i = first, stage = 0;
    for (int64_t left = int64_t{tiles} * group; left > 0; --left, stage ^= 1) {
      const int here = i;
      i += kQueries;
      if (i >= p.queries) i = first, ++h;
      if (left > 1) {
        fill(p, b, h, i, stages + (stage ^ 1) * kStage, statistics + (stage ^ 1) * kStatistics);
      }
      ptx::cp_async_commit();
      ptx::cp_async_wait<1>();
      __syncthreads();  // this step's q and g are there
      const T *q = stages + stage * kStage, *g = q + kQueries * kD;
      float s[kQueries / 8][4], dp[kQueries / 8][4];
      gpu::multiply_tiles<T, kD, kQueries>(k, row, q, s);
      gpu::multiply_tiles<T, kD, kQueries>(v, row, g, dp);
      differentiate(p, j0 + row, here, statistics + stage * kStatistics, s, dp);
      gpu::add_product<T, kD, kQueries>(s, g, dv);
      gpu::add_product<T, kD, kQueries>(dp, q, dk);
      __syncthreads();  // they are no longer read
    }
    ptx::cp_async_wait<0>();
    __syncthreads();  // where no query sees a key, k may still be on its way
    gpu::store_rows<T, kD>(dk, p.scale, p.scale, k, row, p.dk, b, shared, j0 + row, p.keys,
                           p.width);
    gpu::store_rows<T, kD>(dv, 1, 1, v, row, p.dv, b, shared, j0 + row, p.keys, p.width);
    __syncthreads();  // the tiles are free for the next head
  }
};

template <class T, int kD>
__global__ void __launch_bounds__(gpu::kFlashThreads, 2)
    flash_dq_kernel(const gpu::FlashProblem<T> p) {
  const int i0 = static_cast<int>(gridDim.x - 1 - blockIdx.x) * kBlock;
  for (int64_t head = blockIdx.y; head < p.batch * p.heads; head += gridDim.y) {
    QueryGradient<T, kD>::run(p, i0, head / p.heads, head % p.heads);
  }
}

template <class T, int kD>
__global__ void __launch_bounds__(gpu::kFlashThreads, 2)
    flash_dkdv_kernel(const gpu::FlashProblem<T> p) {
  const int j0 = static_cast<int>(blockIdx.x) * kBlock;
  for (int64_t head = blockIdx.y; head < p.batch * p.kv_heads; head += gridDim.y) {
    KeyGradient<T, kD>::run(p, j0, head / p.kv_heads, head % p.kv_heads);
  }
}

template <class T, int kD> void run_width(const Attention& p) {
  const cuda::OnDevice stream(p.device());
  const int64_t rows = p.batch * p.heads * p.queries;
  const gpu::DeviceScratch<float> delta(p.device(), rows);
  gpu::FlashProblem<T> problem(p);
  problem.delta = delta.data();
  if (rows > 0) {
    gpu::launch(flash_delta_kernel<T>, gpu::grid_for(rows, gpu::kFlashWarps), gpu::kFlashThreads, 0,
                stream, problem, delta.data());
    gpu::launch(flash_dq_kernel<T, kD>,
                gpu::flash_grid(gpu::ceil_div(p.queries, kBlock), p.batch * p.heads),
                gpu::kFlashThreads, QueryGradient<T, kD>::kBytes, stream, problem);
  }
  if (p.batch * p.kv_heads * p.keys > 0) {
    gpu::launch(flash_dkdv_kernel<T, kD>,
                gpu::flash_grid(gpu::ceil_div(p.keys, kBlock), p.batch * p.kv_heads),
                gpu::kFlashThreads, KeyGradient<T, kD>::kBytes, stream, problem);
  }
}

void run(const Attention& p) {
  visit_dtype(TypeList<Half, BFloat16>{}, "attention_backward", p.element, [&]<class T>() {
    gpu::visit_width(p.width,
                     [&]<int kD>(std::integral_constant<int, kD>) { run_width<T, kD>(p); });
  });
}

const bool kRegistered = attention_backward_kernels().add(
    {"flash", kCUDA, {kFloat16, kBFloat16}, run, 5, gpu::why_not_flash});

}  // namespace
}  // namespace iolaus
