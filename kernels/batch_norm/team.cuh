// How batch_norm's kernels share out channels: a block takes one, or 32 where neighbouring elements
// belong to neighbouring channels; blocks share channels where those are too few to fill a GPU.
#pragma once

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/divider.h"
#include "kernels/gpu.h"

namespace iolaus::gpu {

inline constexpr int kNormThreads = 512, kNormGroups = kNormThreads / kWarp;
inline constexpr int64_t kNormBlocks = 528;  // four on each of 132 multiprocessors

// Parts of a channel: elements [p length, (p + 1) length) of its `count`, p = blockIdx.y.
struct Parts {
  int64_t count, length;
  int number;

  __device__ int64_t begin() const { return blockIdx.y * length; }
  __device__ int64_t end() const { return begin() + size_of(static_cast<int>(blockIdx.y)); }
  __device__ int64_t size_of(int part) const {
    const int64_t rest = count - part * length;
    return rest < length ? rest : length;
  }
};

// What the kernels get: the layout, and how it is shared out.
struct NormPlan {
  ChannelLayout l;
  Divider inner;
  Parts parts;
  int64_t teams;  // channels, or 32 channels together
};
inline bool has_columns(const ChannelLayout& l) { return l.channel_stride == 1 && l.channels > 1; }
inline NormPlan plan_of(const ChannelLayout& l) {
  const bool columns = has_columns(l);
  const int64_t teams = columns ? ceil_div(l.channels, kWarp) : l.channels;
  const int64_t count = l.batch * l.inner, least = 4 * (columns ? kNormGroups : kNormThreads);
  const int64_t wanted = std::clamp<int64_t>(kNormBlocks / teams, 1, 64);
  const int64_t length = std::max(ceil_div(count, wanted), least);
  const auto number = static_cast<int>(std::max<int64_t>(ceil_div(count, length), 1));
  return {l,
          Divider(static_cast<uint32_t>(std::max<int64_t>(l.inner, 1))),
          {count, length, number},
          teams};
}

// The threads that share a channel: the block (kColumns false), or one lane of each of its warps,
// so that a warp reads 32 channels side by side.
template <bool kColumns> struct Team {
  const NormPlan& p;

  __device__ int lane() const { return static_cast<int>(threadIdx.x) % kWarp; }
  __device__ int group() const { return static_cast<int>(threadIdx.x) / kWarp; }
  __device__ int64_t channel(int64_t team) const { return kColumns ? team * kWarp + lane() : team; }
  __device__ bool leads() const { return kColumns ? group() == 0 : threadIdx.x == 0; }

  // Calls body(offset) for this thread's elements [begin, end) of channel c.
  template <class Body>
  __device__ __forceinline__ void for_each(int64_t c, int64_t begin, int64_t end, Body body) const {
    if (kColumns) {
      if (c >= p.l.channels) return;
#pragma unroll 4
      for (int64_t e = begin + group(); e < end; e += kNormGroups) body(e * p.l.channels + c);
    } else {
#pragma unroll 4
      for (int64_t e = begin + threadIdx.x; e < end; e += kNormThreads) {
        const int64_t n = p.inner.divide(static_cast<uint32_t>(e));
        body(n * p.l.batch_stride + c * p.l.channel_stride +
             (e - n * p.l.inner) * p.l.inner_stride);
      }
    }
  }

  // The sum over the threads of a channel, for all of them. All threads of the block take part.
  template <class A> __device__ __forceinline__ A sum(A value) const {
    if constexpr (!kColumns) {
      return block_reduce(value, A(0), Sum{});
    } else {
      SHARED_ARRAY(A, sums, [kNormGroups][kWarp]);
      __syncthreads();  // the last call's readers are done
      sums[group()][lane()] = value;
      __syncthreads();
      A total = 0;
      for (int k = 0; k < kNormGroups; ++k) total += sums[k][lane()];
      return total;
    }
  }
};

}  // namespace iolaus::gpu
