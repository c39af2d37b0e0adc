// The device's loop over a Pointwise. Flat operands (contiguous or one number, the common case)
// take 16-byte accesses; any other geometry takes single elements, in the order of the output's
// memory. Bandwidth-bound: bytes as Pointwise::cost says. Deterministic.
#pragma once

#include <utility>

#include "kernels/divider.h"
#include "kernels/elementwise/pointwise.h"
#include "kernels/gpu.h"

namespace iolaus::gpu {

inline constexpr int kPointwiseThreads = 256;
inline constexpr int kItems = 4;  // of a thread of the strided kernel
/// Elements of a launch of the strided kernel, whose indices are of 32 bits.
inline constexpr int64_t kMostElements = (int64_t{1} << 31) - kItems * kPointwiseThreads;

/// Element types of an operation: its output, then its inputs.
template <class Out, class... Ins> struct Types {};

template <class T>
inline constexpr bool kIsShortFloat =
    std::is_same_v<T, float> || std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

/// An input of the flat kernel. Without data, or not dense, it is one number for all elements.
template <class T> struct FlatInput {
  const T* data;
  bool dense;
  T number;
};

template <class T> __device__ __forceinline__ MathType<T> to_math(const T& x) {
  return static_cast<MathType<T>>(x);
}

template <int N, class T>
__device__ __forceinline__ Pack<T, N> load_flat(const FlatInput<T>& in, int64_t pack) {
  if (in.dense) return load_pack<N>(in.data + pack * N);
  Pack<T, N> all;
  const T number = in.data != nullptr ? *in.data : in.number;
  for (int i = 0; i < N; ++i) all.v[i] = number;
  return all;
}
template <class T>
__device__ __forceinline__ MathType<T> load_one(const FlatInput<T>& in, int64_t i) {
  return to_math(in.dense ? in.data[i] : (in.data != nullptr ? *in.data : in.number));
}

/// out[i] = op(in[i]...) for i < n; all dense addresses are aligned to N elements.
template <int N, class Op, class Out, class... Ins>
__global__ void __launch_bounds__(kPointwiseThreads)
    pointwise_flat_kernel(Op op, int64_t n, Out* out, FlatInput<Ins>... in) {
  const int64_t packs = n / N;
  for (int64_t p = global_thread(); p < packs; p += global_threads()) {
    Pack<Out, N> result;
    const auto compute = [&](const Pack<Ins, N>&... values) {
#pragma unroll
      for (int i = 0; i < N; ++i) result.v[i] = static_cast<Out>(op(to_math(values.v[i])...));
    };
    compute(load_flat<N>(in, p)...);
    store_pack<N>(out + p * N, result);
  }
  const int64_t rest = packs * N + global_thread();  // fewer than N elements, by the first threads
  if (rest < n) out[rest] = static_cast<Out>(op(load_one(in, rest)...));
}

/// Sizes and strides (in elements) of the output and the inputs, innermost dimension last.
template <int kOperands> struct Geometry {
  int rank;
  Divider sizes[kMaxRank];
  int64_t strides[kMaxRank][kOperands];
};

template <class Op, class Out, class... Ins, size_t... I>
__device__ __forceinline__ Out pointwise_at(const Op& op, const int64_t* at,
                                            std::index_sequence<I...>,
                                            const FlatInput<Ins>&... in) {
  return static_cast<Out>(op(to_math(in.data != nullptr ? in.data[at[I + 1]] : in.number)...));
}

/// A thread takes kItems elements, a block's width apart: all loads are under way before a store.
template <class Op, class Out, class... Ins>
__global__ void __launch_bounds__(kPointwiseThreads)
    pointwise_strided_kernel(Op op, uint32_t n, Geometry<1 + sizeof...(Ins)> g, Out* out,
                             FlatInput<Ins>... in) {
  constexpr int kOperands = 1 + sizeof...(Ins);
  uint32_t rest[kItems];
  int64_t at[kItems][kOperands] = {};
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    rest[j] = (blockIdx.x * kItems + j) * kPointwiseThreads + threadIdx.x;
  }
  const uint32_t first = rest[0];
  const auto add_index = [&](int j, int d, uint32_t index) {
#pragma unroll
    for (int k = 0; k < kOperands; ++k) at[j][k] += index * g.strides[d][k];
  };
  for (int d = g.rank - 1; d > 0; --d) {
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      const uint32_t quotient = g.sizes[d].divide(rest[j]);
      add_index(j, d, rest[j] - quotient * g.sizes[d].by());
      rest[j] = quotient;
    }
  }
  Out results[kItems];
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    add_index(j, 0, rest[j]);
    if (first + j * kPointwiseThreads < n) {
      results[j] = pointwise_at<Op, Out>(op, at[j], std::index_sequence_for<Ins...>{}, in...);
    }
  }
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    if (first + j * kPointwiseThreads < n) out[at[j][0]] = results[j];
  }
}

namespace detail {

constexpr int smallest(int a, int b) { return a < b ? a : b; }
/// Elements of an access: 16 bytes of the widest type, less for the narrow ones beside it.
template <class... Ts> constexpr int pack_of() {
  int n = 16;
  ((n = smallest(n, kPackSize<Ts>)), ...);
  return n;
}

template <class T> FlatInput<T> flat_input(const Pointwise& p, int operand) {
  FlatInput<T> in{static_cast<const T*>(p.data[operand]),
                  p.data[operand] != nullptr && p.strides[operand][0] == 1, T()};
  if (in.data == nullptr) std::memcpy(&in.number, p.immediate[operand], sizeof(T));
  return in;
}

/// Whether the flat kernel can do it: one dimension, each operand dense and aligned or one number.
template <class Out, class... Ins> bool is_flat(const Pointwise& p) {
  constexpr int kN = pack_of<Out, Ins...>();
  const size_t widths[] = {sizeof(Out) * kN, (sizeof(Ins) * kN)...};
  if (p.rank != 1 || (p.strides[0][0] != 1 && p.numel > 1)) return false;
  for (int k = 0; k < p.operands; ++k) {
    const bool number = k > 0 && (p.data[k] == nullptr || p.strides[k][0] == 0);
    if (number) continue;
    if ((p.strides[k][0] != 1 && p.numel > 1) || !is_aligned(p.data[k], widths[k])) return false;
  }
  return true;
}

template <bool kFlat, class Op, class Out, class... Ins, size_t... I>
void run_pointwise(const Pointwise& p, const Op& op, Types<Out, Ins...>,
                   std::index_sequence<I...>) {
  const cuda::OnDevice stream(p.device());
  if constexpr (kFlat) {
    if (is_flat<Out, Ins...>(p)) {
      constexpr int kN = pack_of<Out, Ins...>();
      return launch(pointwise_flat_kernel<kN, Op, Out, Ins...>,
                    grid_for(ceil_div(p.numel, kN), kPointwiseThreads), kPointwiseThreads, 0,
                    stream, op, p.numel, static_cast<Out*>(p.data[0]),
                    flat_input<Ins>(p, I + 1)...);
    }
  }
  if (p.numel > kMostElements) {
    for (const Pointwise& half : halves_of(p)) {
      run_pointwise<false>(half, op, Types<Out, Ins...>{}, std::index_sequence<I...>{});
    }
    return;
  }
  Geometry<1 + sizeof...(Ins)> g;
  g.rank = p.rank;
  for (int d = 0; d < p.rank; ++d) {
    g.sizes[d] = Divider(static_cast<uint32_t>(p.sizes[d]));
    for (int k = 0; k < p.operands; ++k) g.strides[d][k] = p.strides[k][d];
  }
  const auto blocks = static_cast<unsigned>(ceil_div(p.numel, kItems * kPointwiseThreads));
  launch(pointwise_strided_kernel<Op, Out, Ins...>, blocks, kPointwiseThreads, 0, stream, op,
         static_cast<uint32_t>(p.numel), g, static_cast<Out*>(p.data[0]),
         flat_input<Ins>(p, I + 1)...);
}

}  // namespace detail

/// out = op(inputs) over the geometry of p, with the given element types. kFlat adds the kernel
/// with wide accesses: by default for the floats that networks are made of; for double and integers
/// one kernel an operation keeps the program small and its build short.
template <bool kFlat, class Op, class Out, class... Ins>
void pointwise_as(const Pointwise& p, const Op& op, Types<Out, Ins...> types) {
  if (p.numel == 0) return;
  detail::run_pointwise<kFlat>(p, op, types, std::index_sequence_for<Ins...>{});
}
template <class Op, class Out, class... Ins>
void pointwise(const Pointwise& p, const Op& op, Types<Out, Ins...> types) {
  pointwise_as<(kIsShortFloat<Out> || ... || kIsShortFloat<Ins>)>(p, op, types);
}

}  // namespace iolaus::gpu
