// attention on tensor cores, forward (Dao, "FlashAttention-2", 2023): a block takes 128 queries of
// one head (64 where D > 64) through all keys, 64 at a time; softmax online in registers, scores
// never in memory. While one product runs, cp.async brings the other's tile. 4 D flops for each
// pair of a query and a key; k and v are read once a block of queries, mostly from L2.
// Deterministic.
#include "kernels/attention/flash.cuh"

namespace iolaus {
namespace {

template <class T, int kD> struct Forward {
  static constexpr int kTiles = kD <= 64 ? 2 : 1;  // of 16 rows, for each warp
  static constexpr int kRows = gpu::kFlashWarps * 16 * kTiles, kKeys = 64;
  static constexpr size_t kBytes = sizeof(T) * (kRows + 2 * kKeys) * kD;
  using Problem = gpu::FlashProblem<T>;

  // Scores of 16 queries become e^(s - largest); sum and out follow the new largest. In base 2.
  __device__ static void softmax_step(const Problem& p, int i, int j, float (&s)[kKeys / 8][4],
                                      float (&largest)[2], float (&sum)[2],
                                      float (&out)[kD / 8][4]) {
    const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
    const gpu::Visible visible(p, i, j);
    const bool all_visible = visible.all_keys(kKeys);
    float most[2] = {-INFINITY, -INFINITY};
#pragma unroll
    for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int row = lane / 4 + e / 2 * 8, key = n * 8 + lane % 4 * 2 + e % 2;
        s[n][e] = all_visible || visible(row, key) ? s[n][e] * p.scale2 : -INFINITY;
        most[e / 2] = fmaxf(most[e / 2], s[n][e]);
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      // A row's elements are in four neighbouring lanes.
      most[half] = fmaxf(most[half], gpu::shuffle_xor(most[half], 1));
      most[half] = fmaxf(most[half], gpu::shuffle_xor(most[half], 2));
      const float now = fmaxf(largest[half], most[half]);
      const float shift = now == -INFINITY ? 0.0f : now;  // nothing but -inf so far
      const float factor = ptx::exp2_approx(largest[half] - shift);
      largest[half] = now;
      float total = 0;
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
        for (int e = half * 2; e < half * 2 + 2; ++e) {
          s[n][e] = ptx::exp2_approx(s[n][e] - shift);
          total += s[n][e];
        }
      }
      sum[half] = sum[half] * factor + total;
#pragma unroll
      for (int n = 0; n < kD / 8; ++n) {
        out[n][half * 2] *= factor;
        out[n][half * 2 + 1] *= factor;
      }
    }
  }

  __device__ static void finish(const Problem& p, int64_t b, int64_t h, int i,
                                const float (&largest)[2], float (&sum)[2],
                                const float (&out)[kD / 8][4], T* tile, int row) {
    const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
    float inverse[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      sum[half] += gpu::shuffle_xor(sum[half], 1);
      sum[half] += gpu::shuffle_xor(sum[half], 2);
      inverse[half] = sum[half] == 0 ? 0.0f : 1.0f / sum[half];
      const int at = i + lane / 4 + half * 8;
      if (lane % 4 == 0 && at < p.queries) {
        p.lse[p.statistics(b, h) + at] = largest[half] * gpu::kLn2 + logf(sum[half]);
      }
    }
    gpu::store_rows<T, kD>(out, inverse[0], inverse[1], tile, row, p.out, b, h, i, p.queries,
                           p.width);
  }

  __device__ static void run(const Problem& p, int i0, int64_t b, int64_t h) {
    T* q = SHARED_DYNAMIC(T);
    T *k = q + kRows * kD, *v = k + kKeys * kD;
    const int64_t shared = h / (p.heads / p.kv_heads);
    const int row = static_cast<int>(threadIdx.x) / gpu::kWarp * 16 * kTiles;
    const int end = p.causal && i0 + kRows < p.keys ? i0 + kRows : p.keys;
    gpu::fill_rows<kRows, kD>(q, p.q, b, h, i0, p.queries, p.width);
    gpu::fill_rows<kKeys, kD>(k, p.k, b, shared, 0, p.keys, p.width);
    ptx::cp_async_commit();
    gpu::fill_rows<kKeys, kD>(v, p.v, b, shared, 0, p.keys, p.width);
    ptx::cp_async_commit();
    float out[kTiles][kD / 8][4] = {}, largest[kTiles][2], sum[kTiles][2] = {};
#pragma unroll
    for (int t = 0; t < kTiles; ++t) largest[t][0] = largest[t][1] = -INFINITY;
    for (int j = 0; j < end; j += kKeys) {
      float s[kTiles][kKeys / 8][4];
      ptx::cp_async_wait<1>();
      __syncthreads();  // k is there (and q)
#pragma unroll
      for (int t = 0; t < kTiles; ++t) {
        gpu::multiply_tiles<T, kD, kKeys>(q, row + t * 16, k, s[t]);
      }
      __syncthreads();  // k is no longer read
      if (j + kKeys < end) {
        gpu::fill_rows<kKeys, kD>(k, p.k, b, shared, j + kKeys, p.keys, p.width);
      }
      ptx::cp_async_commit();
#pragma unroll
      for (int t = 0; t < kTiles; ++t) {
        softmax_step(p, i0 + row + t * 16, j, s[t], largest[t], sum[t], out[t]);
      }
      ptx::cp_async_wait<1>();
      __syncthreads();  // v is there
#pragma unroll
      for (int t = 0; t < kTiles; ++t) gpu::add_product<T, kD, kKeys>(s[t], v, out[t]);
      __syncthreads();  // v is no longer read
      if (j + kKeys < end) {
        gpu::fill_rows<kKeys, kD>(v, p.v, b, shared, j + kKeys, p.keys, p.width);
      }
      ptx::cp_async_commit();
    }
    ptx::cp_async_wait<0>();
    __syncthreads();  // where there are no keys, q may still be on its way to another warp's rows
#pragma unroll
    for (int t = 0; t < kTiles; ++t) {
      finish(p, b, h, i0 + row + t * 16, largest[t], sum[t], out[t], q, row + t * 16);
    }
    __syncthreads();  // q is no longer read: the next head's may come
  }
};

// The last queries first: with a causal mask they see most.
template <class T, int kD>
__global__ void __launch_bounds__(gpu::kFlashThreads, 2)
    flash_forward_kernel(const gpu::FlashProblem<T> p) {
  const int i0 = static_cast<int>(gridDim.x - 1 - blockIdx.x) * Forward<T, kD>::kRows;
  for (int64_t head = blockIdx.y; head < p.batch * p.heads; head += gridDim.y) {
    Forward<T, kD>::run(p, i0, head / p.heads, head % p.heads);
  }
}

void run(const Attention& p) {
  if (p.batch * p.heads * p.queries == 0) return;
  visit_dtype(TypeList<Half, BFloat16>{}, "attention", p.element, [&]<class T>() {
    gpu::visit_width(p.width, [&]<int kD>(std::integral_constant<int, kD>) {
      using F = Forward<T, kD>;
      const cuda::OnDevice stream(p.device());
      gpu::launch(flash_forward_kernel<T, kD>,
                  gpu::flash_grid(gpu::ceil_div(p.queries, F::kRows), p.batch * p.heads),
                  gpu::kFlashThreads, F::kBytes, stream, gpu::FlashProblem<T>(p));
    });
  });
}

const bool kRegistered =
    attention_kernels().add({"flash", kCUDA, {kFloat16, kBFloat16}, run, 5, gpu::why_not_flash});

}  // namespace
}  // namespace iolaus
