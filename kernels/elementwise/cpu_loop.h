// The CPU's loop over a Pointwise: rows of the innermost dimension, flat ranges split over threads,
// each row one plain loop that simd::run compiles for the best instruction set. Inputs that lie by
// columns are turned, tile by tile.
#pragma once

#include <tuple>
#include <utility>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/elementwise/cpu_tiles.h"
#include "kernels/elementwise/unary_ops.h"

namespace iolaus::cpu {

inline constexpr int64_t kPointwiseGrain = 16384;  // elements that are worth a thread

/// Element types of an operation: its output, then its inputs.
template <class Out, class... Ins> struct Types {};

namespace detail {

// float and bfloat16, copies of 16-bit floats and functions of doubles get a loop per instruction
// set; for the other types one loop keeps the program small.
template <class Op> inline constexpr bool kCopies = requires { Op::kFills; };
template <class Op> inline constexpr bool kFunction = false;
template <class Op>
requires(Op::kDomain == ops::Domain::kFloat) inline constexpr bool kFunction<Op> = true;
template <class Op, class... Ts>
inline constexpr bool kVectorised = ((std::is_same_v<Ts, float> || std::is_same_v<Ts, BFloat16> ||
                                      (kCopies<Op> && std::is_same_v<Ts, Half>) ||
                                      (kFunction<Op> && std::is_same_v<Ts, double>)) ||
                                     ...);

template <class T> inline MathType<T> load(const T* p) { return static_cast<MathType<T>>(*p); }

// Whether Op has a formula near() without branches for the numbers that is_near() tells.
template <class Op, class... Ins>
inline constexpr bool kHasNear = (std::is_same_v<MathType<Ins>, float> && ...) &&
                                 requires(const Op op, MathType<Ins>... x) {
  op.near(x...);
};

// Elements that are asked for at once.
template <class Op> constexpr int64_t near_block() {
  if constexpr (requires { Op::kNearBlock; }) return Op::kNearBlock;
  return 256;
}

// One row of n elements. Strides of 1 and 0 are compile-time facts of the common cases; any other
// mixture takes the strided loop.
template <bool... kScalar, class Op, class Out, class... Ins, size_t... I>
inline void dense_row(const Op& op, int64_t n, Out* out, std::tuple<const Ins*...> in,
                      std::index_sequence<I...>) {
  if constexpr (kHasNear<Op, Ins...>) {
    // Block by block, so that one number far off leaves the others their vectorised loop.
    constexpr int64_t kBlock = near_block<Op>();
    for (int64_t begin = 0; begin < n; begin += kBlock) {
      const int64_t end = std::min(n, begin + kBlock);
      int far = 0;
      for (int64_t i = begin; i < end; ++i) {
        far |= op.is_near(load(std::get<I>(in) + (kScalar ? 0 : i))...) ? 0 : 1;
      }
      for (int64_t i = begin; far != 0 && i < end; ++i) {
        out[i] = static_cast<Out>(op(load(std::get<I>(in) + (kScalar ? 0 : i))...));
      }
#pragma GCC ivdep
      for (int64_t i = begin; far == 0 && i < end; ++i) {
        out[i] = static_cast<Out>(op.near(load(std::get<I>(in) + (kScalar ? 0 : i))...));
      }
    }
    return;
  }
  // In place, an input is the output; each element is read before it is written.
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<Out>(op(load(std::get<I>(in) + (kScalar ? 0 : i))...));
  }
}

template <class Op, class Out, class... Ins, size_t... I>
inline void strided_row(const Op& op, int64_t n, Out* out, int64_t out_stride,
                        std::tuple<const Ins*...> in, const int64_t* strides,
                        std::index_sequence<I...>) {
  for (int64_t i = 0; i < n; ++i) {
    out[i * out_stride] = static_cast<Out>(op(load(std::get<I>(in) + i * strides[I])...));
  }
}

template <class Op, class Out, class... Ins>
inline void row(const Op& op, int64_t n, Out* out, int64_t out_stride, std::tuple<const Ins*...> in,
                const int64_t* s) {
  constexpr auto kIndex = std::index_sequence_for<Ins...>{};
  // Derivatives are not asked for with a number as an operand.
  constexpr bool kNumbers = !requires { Op::kDerivative; };
  if constexpr (sizeof...(Ins) == 1) {
    if (out_stride == 1 && s[0] == 1) return dense_row<false>(op, n, out, in, kIndex);
    if constexpr (kCopies<Op>) {
      if (out_stride == 1 && s[0] == 0) return dense_row<true>(op, n, out, in, kIndex);
      if (out_stride == 1 && s[0] == -1) {  // flip
        const auto* last = std::get<0>(in);
        for (int64_t i = 0; i < n; ++i) out[i] = static_cast<Out>(op(load(last - i)));
        return;
      }
    }
  } else if constexpr (sizeof...(Ins) == 2) {
    if (out_stride == 1 && s[0] == 1 && s[1] == 1) {
      return dense_row<false, false>(op, n, out, in, kIndex);
    }
    if (kNumbers && out_stride == 1 && s[0] == 1 && s[1] == 0) {
      return dense_row<false, true>(op, n, out, in, kIndex);
    }
    if (kNumbers && out_stride == 1 && s[0] == 0 && s[1] == 1) {
      return dense_row<true, false>(op, n, out, in, kIndex);
    }
  } else {
    if (out_stride == 1 && s[0] == 1 && s[1] == 1 && s[2] == 1) {
      return dense_row<false, false, false>(op, n, out, in, kIndex);
    }
    if (out_stride == 1 && s[0] == 1 && s[1] == 1 && s[2] == 0) {
      return dense_row<false, false, true>(op, n, out, in, kIndex);
    }
    if (out_stride == 1 && s[0] == 1 && s[1] == 0 && s[2] == 1) {
      return dense_row<false, true, false>(op, n, out, in, kIndex);
    }
  }
  strided_row(op, n, out, out_stride, in, s, kIndex);
}

// Columns [column0, column1) of rows [row0, row1).
template <class Op, class Out, class... Ins, size_t... I>
inline void block(const Pointwise& p, const Op& op, int64_t row0, int64_t row1, int64_t column0,
                  int64_t column1, Types<Out, Ins...>, std::index_sequence<I...>) {
  const int inner = p.rank - 1;
  const int64_t strides[] = {p.strides[I + 1][inner]...};
  auto* out = static_cast<Out*>(p.data[0]);
  const std::tuple<const Ins*...> in{
      static_cast<const Ins*>(p.data[I + 1] ? p.data[I + 1] : p.immediate[I + 1])...};
  // Offsets of the first row, then an odometer over the outer dimensions.
  int64_t index[kMaxRank], at[kMaxOperands];
  for (int k = 0; k < p.operands; ++k) at[k] = column0 * p.strides[k][inner];
  int64_t rest = row0;
  for (int d = inner - 1; d >= 0; --d) {
    index[d] = rest % p.sizes[d];
    rest /= p.sizes[d];
    for (int k = 0; k < p.operands; ++k) at[k] += index[d] * p.strides[k][d];
  }
  for (int64_t r = row0; r < row1; ++r) {
    row(op, column1 - column0, out + at[0], p.strides[0][inner],
        std::tuple<const Ins*...>{std::get<I>(in) + at[I + 1]...}, strides);
    for (int d = inner - 1; d >= 0; --d) {
      for (int k = 0; k < p.operands; ++k) at[k] += p.strides[k][d];
      if (++index[d] < p.sizes[d]) break;
      for (int k = 0; k < p.operands; ++k) at[k] -= p.strides[k][d] * p.sizes[d];
      index[d] = 0;
    }
  }
}

template <class Op, class Out, class... Ins>
void run(const Pointwise& p, const Op& op, Types<Out, Ins...> types) {
  // One body, so that each operation is compiled once for each instruction set.
  const auto best = [&op, types](const Pointwise& part, int64_t row0, int64_t row1, int64_t column0,
                                 int64_t column1) {
    constexpr auto kIndex = std::index_sequence_for<Ins...>{};
    if constexpr (kVectorised<Op, Ins...>) {
      simd::run([&] { block(part, op, row0, row1, column0, column1, types, kIndex); });
    } else {
      block(part, op, row0, row1, column0, column1, types, kIndex);
    }
  };
  const int64_t width = p.sizes[p.rank - 1];
  if (p.rank == 1) {
    return parallel_for(width, kPointwiseGrain,
                        [&](int64_t begin, int64_t end) { best(p, 0, 1, begin, end); });
  }
  if (has_turned_input(p)) {
    return for_turned_tiles(
        p, [&](const Pointwise& tile) { best(tile, 0, tile.sizes[0], 0, tile.sizes[1]); });
  }
  const int64_t grain = std::max<int64_t>(1, kPointwiseGrain / std::max<int64_t>(width, 1));
  parallel_for(p.numel / width, grain,
               [&](int64_t begin, int64_t end) { best(p, begin, end, 0, width); });
}

}  // namespace detail

/// out = op(inputs) over the geometry of p, with the given element types.
template <class Op, class Out, class... Ins>
void pointwise(const Pointwise& p, const Op& op, Types<Out, Ins...> types) {
  if (p.numel == 0) return;
  detail::run(p, op, types);
}

}  // namespace iolaus::cpu
