// Reductions on CUDA, of any geometry. Where the reduced elements lie next to each other a warp or
// a block takes one result, 16 bytes at a time where rows are aligned; where the results do, 32 of
// them share a block and read in order. Few results with many elements are split over blocks, whose
// partial results a second kernel joins. The order depends on geometry and alignment alone:
// deterministic. Bandwidth-bound: x is read once.
#include <limits>

#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/reduce/reduce.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;
constexpr int kGroups = kThreads / gpu::kWarp;
constexpr int64_t kMostPack = 8;  // elements in a 16-byte access

// The operations: a value of type Acc from an element, the join of two, and the result. Those that
// differ by a sign or a factor are one type with a run-time member, so that they share kernels.
template <class T>
using SumType = std::conditional_t<is_floating(dtype_of<T>), MathType<T>, int64_t>;

template <class T> struct Add {
  using Acc = SumType<T>;
  bool mean;
  __device__ Acc identity() const { return Acc(0); }
  __device__ Acc element(MathType<T> x, int64_t) const { return static_cast<Acc>(x); }
  __device__ Acc operator()(Acc a, Acc b) const { return a + b; }
  __device__ Acc result(Acc a, int64_t count) const {
    if constexpr (is_floating(dtype_of<T>)) return mean ? a / static_cast<Acc>(count) : a;
    return a;
  }
};
template <class T> struct Multiply {
  using Acc = SumType<T>;
  __device__ Acc identity() const { return Acc(1); }
  __device__ Acc element(MathType<T> x, int64_t) const { return static_cast<Acc>(x); }
  __device__ Acc operator()(Acc a, Acc b) const { return a * b; }
  __device__ Acc result(Acc a, int64_t) const { return a; }
};
template <class T> struct Norm {
  using Acc = MathType<T>;
  __device__ Acc identity() const { return Acc(0); }
  __device__ Acc element(MathType<T> x, int64_t) const { return x * x; }
  __device__ Acc operator()(Acc a, Acc b) const { return a + b; }
  __device__ Acc result(Acc a, int64_t) const { return math::sqrt(a); }
};
// Of short floats: sums of x and x^2 in double, where x^2 is exact and the difference of the two
// keeps more digits than x has. Of doubles: means and squares around them, joined by Chan, Golub
// and LeVeque (1979); of x less the result's first element, so that a common offset rounds nothing.
struct PowerSums {
  double sum, squares;
};
struct Deviations {
  double count, mean, squares;
};
__device__ __forceinline__ PowerSums shuffle_xor(const PowerSums& x, int offset) {
  return {gpu::shuffle_xor(x.sum, offset), gpu::shuffle_xor(x.squares, offset)};
}
__device__ __forceinline__ Deviations shuffle_xor(const Deviations& x, int offset) {
  return {gpu::shuffle_xor(x.count, offset), gpu::shuffle_xor(x.mean, offset),
          gpu::shuffle_xor(x.squares, offset)};
}
template <class T> struct Variance {
  static constexpr bool kWide = std::is_same_v<T, double>;
  using Acc = std::conditional_t<kWide, Deviations, PowerSums>;
  double divisor;
  bool root;
  double shift = 0;
  __device__ Variance around(MathType<T> first) const {
    return {divisor, root, kWide ? static_cast<double>(first) : 0};
  }
  __device__ Acc identity() const { return Acc{}; }
  __device__ Acc element(MathType<T> x, int64_t) const {
    const double wide = static_cast<double>(x) - shift;
    if constexpr (kWide) {
      return {1, wide, wide - wide};  // NaN of an infinity
    } else {
      return {wide, wide * wide};
    }
  }
  __device__ Acc operator()(const Acc& a, const Acc& b) const {
    if constexpr (kWide) {
      const double count = a.count + b.count, between = b.mean - a.mean;
      if (a.count == 0) return b;
      if (b.count == 0) return a;
      const double share = b.count / count;
      return {count, a.mean + between * share,
              a.squares + b.squares + between * between * a.count * share};
    } else {
      return {a.sum + b.sum, a.squares + b.squares};
    }
  }
  __device__ MathType<T> result(const Acc& a, int64_t count) const {
    double squares = a.squares;
    if constexpr (!kWide) {
      if (count > 0) squares -= a.sum * (a.sum / static_cast<double>(count));
      if (squares < 0) squares = 0;
    }
    const double variance = squares / divisor;
    return static_cast<MathType<T>>(root ? math::sqrt(variance) : variance);
  }
};
template <class T> struct AnyAll {
  using Acc = int;
  bool all;
  __device__ Acc identity() const { return all; }
  __device__ Acc element(MathType<T> x, int64_t) const { return x != MathType<T>(0); }
  __device__ Acc operator()(Acc a, Acc b) const { return all ? (a & b) : (a | b); }
  __device__ bool result(Acc a, int64_t) const { return a != 0; }
};
template <class T> struct Extreme {
  using Acc = MathType<T>;
  bool largest;
  Acc worst;  // the identity
  __device__ Acc identity() const { return worst; }
  __device__ Acc element(MathType<T> x, int64_t) const { return x; }
  __device__ Acc operator()(Acc a, Acc b) const {
    if (a != a) return a;  // NaN counts as extreme
    return (largest ? a > b : a < b) ? a : b;
  }
  __device__ Acc result(Acc a, int64_t) const { return a; }
};

constexpr int64_t kNoIndex = std::numeric_limits<int64_t>::max();
template <class V> struct Indexed {
  V value;
  int64_t index;  // kNoIndex: no element yet
};
template <class V>
__device__ __forceinline__ Indexed<V> shuffle_xor(const Indexed<V>& x, int offset) {
  return {gpu::shuffle_xor(x.value, offset), gpu::shuffle_xor(x.index, offset)};
}
template <class T> struct ArgExtreme {
  using V = MathType<T>;
  using Acc = Indexed<V>;
  bool largest;
  __device__ Acc identity() const { return {V(0), kNoIndex}; }
  __device__ Acc element(V x, int64_t i) const { return {x, i}; }
  __device__ Acc operator()(const Acc& a, const Acc& b) const { return wins(a, b) ? a : b; }
  // Of equals, and of NaNs, the first.
  __device__ bool wins(const Acc& a, const Acc& b) const {
    if (a.index == kNoIndex || b.index == kNoIndex) return b.index == kNoIndex;
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan != b_nan) return a_nan;
    if (a_nan || a.value == b.value) return a.index < b.index;
    return largest ? a.value > b.value : a.value < b.value;
  }
  __device__ int64_t result(const Acc& a, int64_t) const {
    return a.index == kNoIndex ? 0 : a.index;
  }
};

struct Geometry {
  int kept_rank, reduced_rank;
  int64_t kept, reduced;
  int64_t kept_sizes[kMaxRank], kept_strides[kMaxRank], out_strides[kMaxRank];
  int64_t reduced_sizes[kMaxRank], reduced_strides[kMaxRank];
};

__device__ __forceinline__ int64_t offset_of(int64_t index, int rank, const int64_t* sizes,
                                             const int64_t* strides) {
  int64_t at = 0;
  for (int d = rank - 1; d > 0; --d) {
    const int64_t quotient = gpu::fast_div(index, sizes[d]);
    at += (index - quotient * sizes[d]) * strides[d];
    index = quotient;
  }
  return rank > 0 ? at + index * strides[0] : at;
}

// The operation for the result whose first element lies at x.
template <class T, class Op>
__device__ __forceinline__ Op operation_at(const Op& op, const Geometry& g, const T* x) {
  if constexpr (requires { op.around(MathType<T>()); }) {
    if (g.reduced > 0) return op.around(static_cast<MathType<T>>(*x));
  }
  return op;
}

// Elements first, first + step, ... below end of one result. Several reduced dimensions take a
// division each, and are not worth unrolling.
template <class T, class Op>
__device__ __forceinline__ typename Op::Acc reduce_strided(const Op& op, const Geometry& g,
                                                           const T* x, int64_t first, int64_t end,
                                                           int64_t step) {
  typename Op::Acc value = op.identity();
  if (g.reduced_rank <= 1) {
    const int64_t stride = g.reduced_rank == 1 ? g.reduced_strides[0] : 0;
#pragma unroll 4
    for (int64_t j = first; j < end; j += step) {
      value = op(value, op.element(static_cast<MathType<T>>(x[j * stride]), j));
    }
  } else {
    for (int64_t j = first; j < end; j += step) {
      const int64_t at = offset_of(j, g.reduced_rank, g.reduced_sizes, g.reduced_strides);
      value = op(value, op.element(static_cast<MathType<T>>(x[at]), j));
    }
  }
  return value;
}

// Where a result goes: to out, or, if the work is split, to its place in partial (splits, kept).
template <class Op, class Out>
__device__ __forceinline__ void finish(const Op& op, const Geometry& g, int64_t i,
                                       const typename Op::Acc& value, Out* out,
                                       typename Op::Acc* partial) {
  if (partial != nullptr) {
    partial[blockIdx.y * g.kept + i] = value;
  } else {
    out[offset_of(i, g.kept_rank, g.kept_sizes, g.out_strides)] =
        static_cast<Out>(op.result(value, g.reduced));
  }
}

// A group of threads (a warp, or the whole block) takes a result; split y takes elements
// [y chunk, (y + 1) chunk). N > 1: rows are dense and aligned to N elements, as is chunk.
template <int N, class T, class Op, class Out>
__global__ void __launch_bounds__(kThreads)
    reduce_rows_kernel(Op op, Geometry g, int64_t chunk, bool whole_block, const T* x, Out* out,
                       typename Op::Acc* partial) {
  const int width = whole_block ? kThreads : gpu::kWarp;
  const int member = threadIdx.x % width, group = threadIdx.x / width;
  const int groups = kThreads / width;
  const int64_t begin = blockIdx.y * chunk;
  const int64_t end = begin + chunk < g.reduced ? begin + chunk : g.reduced;
  // All threads of the block run every turn: the reduction is a collective.
  for (int64_t i0 = static_cast<int64_t>(blockIdx.x) * groups; i0 < g.kept;
       i0 += static_cast<int64_t>(gridDim.x) * groups) {
    const int64_t i = i0 + group;
    typename Op::Acc value = op.identity();
    if (i < g.kept) {
      const T* row = x + offset_of(i, g.kept_rank, g.kept_sizes, g.kept_strides);
      const Op own = operation_at(op, g, row);
      if constexpr (N > 1) {
        const int64_t packs = begin + (end - begin) / N * N;
#pragma unroll 4
        for (int64_t j = begin + member * N; j < packs; j += width * N) {
          const auto pack = gpu::load_pack<N>(row + j);
#pragma unroll
          for (int k = 0; k < N; ++k) {
            value = op(value, own.element(static_cast<MathType<T>>(pack.v[k]), j + k));
          }
        }
        const int64_t rest = packs + member;  // fewer than N elements
        if (rest < end) value = op(value, own.element(static_cast<MathType<T>>(row[rest]), rest));
      } else {
        value = reduce_strided(own, g, row, begin + member, end, width);
      }
    }
    value = gpu::group_reduce(whole_block, value, op.identity(), op);
    if (member == 0 && i < g.kept) finish(op, g, i, value, out, partial);
  }
}

// 32 neighbouring results a block; eight warps share their elements.
template <class T, class Op, class Out>
__global__ void __launch_bounds__(kThreads)
    reduce_columns_kernel(Op op, Geometry g, int64_t chunk, const T* x, Out* out,
                          typename Op::Acc* partial) {
  using Acc = typename Op::Acc;
  SHARED_ARRAY(Acc, sums, [kGroups][gpu::kWarp]);
  const int lane = threadIdx.x % gpu::kWarp, group = threadIdx.x / gpu::kWarp;
  const int64_t begin = blockIdx.y * chunk;
  const int64_t end = begin + chunk < g.reduced ? begin + chunk : g.reduced;
  for (int64_t i0 = static_cast<int64_t>(blockIdx.x) * gpu::kWarp; i0 < g.kept;
       i0 += static_cast<int64_t>(gridDim.x) * gpu::kWarp) {
    const int64_t i = i0 + lane;
    Acc value = op.identity();
    if (i < g.kept) {
      const T* column = x + offset_of(i, g.kept_rank, g.kept_sizes, g.kept_strides);
      value = reduce_strided(operation_at(op, g, column), g, column, begin + group, end, kGroups);
    }
    sums[group][lane] = value;
    __syncthreads();
    if (group == 0 && i < g.kept) {
      for (int k = 1; k < kGroups; ++k) value = op(value, sums[k][lane]);
      finish(op, g, i, value, out, partial);
    }
    __syncthreads();  // the next turn overwrites sums
  }
}

// One warp joins the partial results of one result.
template <class Op, class Out>
__global__ void __launch_bounds__(kThreads)
    reduce_join_kernel(Op op, Geometry g, int splits, const typename Op::Acc* partial, Out* out) {
  const int lane = threadIdx.x % gpu::kWarp;
  for (int64_t i0 = static_cast<int64_t>(blockIdx.x) * kGroups; i0 < g.kept;
       i0 += static_cast<int64_t>(gridDim.x) * kGroups) {
    const int64_t i = i0 + threadIdx.x / gpu::kWarp;
    typename Op::Acc value = op.identity();
    if (i < g.kept) {
      for (int k = lane; k < splits; k += gpu::kWarp) value = op(value, partial[k * g.kept + i]);
    }
    value = gpu::warp_reduce(value, op);
    if (lane == 0 && i < g.kept) {
      out[offset_of(i, g.kept_rank, g.kept_sizes, g.out_strides)] =
          static_cast<Out>(op.result(value, g.reduced));
    }
  }
}

Geometry geometry_of(const Reduce& r) {
  Geometry g;
  g.kept_rank = r.kept_rank;
  g.reduced_rank = r.reduced_rank;
  g.kept = r.kept;
  g.reduced = r.reduced;
  for (int d = 0; d < r.kept_rank; ++d) {
    g.kept_sizes[d] = r.kept_sizes[d];
    g.kept_strides[d] = r.kept_strides[d];
    g.out_strides[d] = r.out_strides[d];
  }
  for (int d = 0; d < r.reduced_rank; ++d) {
    g.reduced_sizes[d] = r.reduced_sizes[d];
    g.reduced_strides[d] = r.reduced_strides[d];
  }
  return g;
}

// Blocks that share one result's elements: only where results alone would leave the device idle,
// and each has enough to do.
int64_t split_count(int64_t blocks, int64_t reduced, int64_t least) {
  if (blocks >= 512) return 1;
  return std::clamp<int64_t>(std::min(gpu::ceil_div(1024, blocks), reduced / least), 1, 1024);
}

// Whether rows can be read 16 bytes at a time; for the floats that networks are made of, since
// other types would only double the kernels.
template <class T> bool has_packs(const Reduce& r) {
  constexpr int64_t kN = gpu::kPackSize<T>;
  bool packs = r.reduced_rank == 1 && r.reduced_strides[0] == 1 && r.reduced >= kN &&
               gpu::is_aligned(r.x, 16);
  for (int d = 0; d < r.kept_rank; ++d) packs = packs && r.kept_strides[d] % kN == 0;
  return packs;
}

template <class T, class Out, class Op> void run_op(const Reduce& r, const Op& op) {
  if (r.kept == 0) return;
  const Geometry g = geometry_of(r);
  const bool columns = r.kept_rank > 0 && r.reduced_rank > 0 && r.kept >= 8 &&
                       r.kept_strides[r.kept_rank - 1] < r.reduced_strides[r.reduced_rank - 1];
  const bool whole_block = !columns && r.reduced > 1024;
  const int64_t per_block = columns ? gpu::kWarp : (whole_block ? 1 : kGroups);
  const int64_t blocks = gpu::ceil_div(r.kept, per_block);
  const int64_t wanted = split_count(blocks, r.reduced, columns ? 128 : 8192);
  const int64_t chunk =
      std::max<int64_t>(gpu::ceil_div(gpu::ceil_div(r.reduced, wanted), kMostPack), 1) * kMostPack;
  const int64_t splits = std::max<int64_t>(gpu::ceil_div(r.reduced, chunk), 1);

  const cuda::OnDevice stream(r.device());
  const gpu::DeviceScratch<typename Op::Acc> partial(r.device(), splits > 1 ? splits * r.kept : 0);
  const dim3 grid(gpu::grid_for(r.kept, per_block), static_cast<unsigned>(splits));
  const auto* x = static_cast<const T*>(r.x);
  auto* out = static_cast<Out*>(r.out);
  if (columns) {
    gpu::launch(reduce_columns_kernel<T, Op, Out>, grid, kThreads, 0, stream, op, g, chunk, x, out,
                partial.data());
  } else {
    auto* kernel = reduce_rows_kernel<1, T, Op, Out>;
    if constexpr (is_floating(dtype_of<T>) && sizeof(T) <= 4) {
      if (has_packs<T>(r)) kernel = reduce_rows_kernel<gpu::kPackSize<T>, T, Op, Out>;
    }
    gpu::launch(kernel, grid, kThreads, 0, stream, op, g, chunk, whole_block, x, out,
                partial.data());
  }
  if (splits > 1) {
    gpu::launch(reduce_join_kernel<Op, Out>, gpu::grid_for(r.kept, kGroups), kThreads, 0, stream,
                op, g, static_cast<int>(splits), partial.data(), out);
  }
}

template <class T> Extreme<T> extreme(bool largest) {
  using V = MathType<T>;
  using Limits = std::numeric_limits<V>;
  if constexpr (Limits::has_infinity) {
    return {largest, largest ? -Limits::infinity() : Limits::infinity()};
  } else {
    return {largest, largest ? Limits::lowest() : Limits::max()};
  }
}

template <class T> void run_floating(const Reduce& r) {
  if (r.op == ReduceOp::kNorm) return run_op<T, T>(r, Norm<T>{});
  if (r.op == ReduceOp::kMean) return run_op<T, T>(r, Add<T>{true});
  run_op<T, T>(r, Variance<T>{r.divisor, r.op == ReduceOp::kStd});
}
void run_floats(const Reduce& r) {
  visit_dtype(FloatTypes{}, "reduce", r.element, [&]<class T>() { run_floating<T>(r); });
}

template <class T> void run_typed(const Reduce& r) {
  using Sum = std::conditional_t<is_floating(dtype_of<T>), T, int64_t>;
  switch (r.op) {
    case ReduceOp::kSum:
      return run_op<T, Sum>(r, Add<T>{false});
    case ReduceOp::kProd:
      return run_op<T, Sum>(r, Multiply<T>{});
    case ReduceOp::kAmax:
    case ReduceOp::kAmin:
      return run_op<T, T>(r, extreme<T>(r.op == ReduceOp::kAmax));
    case ReduceOp::kAny:
    case ReduceOp::kAll:
      return run_op<T, bool>(r, AnyAll<T>{r.op == ReduceOp::kAll});
    default:
      return run_op<T, int64_t>(r, ArgExtreme<T>{r.op == ReduceOp::kArgmax});
  }
}
void run(const Reduce& r) {
  visit_dtype(AllTypes{}, "reduce", r.element, [&]<class T>() { run_typed<T>(r); });
}

bool add_all() {
  for (int i = 0; i < kReduceOpCount; ++i) {
    const auto op = static_cast<ReduceOp>(i);
    if (is_floating_only(op)) {
      reduce_kernels(op).add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_floats, 1});
    } else {
      reduce_kernels(op).add({"cuda", kCUDA, dtypes_of(AllTypes{}), run, 1});
    }
  }
  return true;
}
const bool kRegistered = add_all();

}  // namespace
}  // namespace iolaus
