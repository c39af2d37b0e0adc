// indexing on CUDA.
// gather: one thread an element, or 16 bytes where the index is the same along dense rows.
// scatter, "ordered": a thread owns one column (o, i) of the output, or a range of its places,
// walks the column's index in order and takes what falls into its range: no atomics, deterministic.
// Each range reads the whole index of its column (lines x ranges x m reads in all, one address for
// the whole warp where there is one line), and a thread takes m steps: meant for many columns, or
// for up to some hundred thousand indices. scatter, "atomic": sums only, one thread an element;
// faster for long indices and in an order that changes from run to run, so never the default for
// floats; sums of integers are the same in any order ("integer").
#include "kernels/elementwise/domain.h"
#include "kernels/indexing/indexing.cuh"

namespace iolaus {
namespace {

using gpu::Report;
using gpu::report_for;
using gpu::ScatterSums;

constexpr int kThreads = 256;
constexpr int64_t kOwners = 1 << 16;  // threads that fill a device

struct Place {
  int64_t o, j, i;
};
__device__ __forceinline__ Place place_of(int64_t e, int64_t count, int64_t inner) {
  const int64_t row = gpu::fast_div(e, inner), o = gpu::fast_div(row, count);
  return {o, row - o * count, e - row * inner};
}

// T: any type of the element's size; where the index is out of range the result is `otherwise`.
template <class T>
__global__ void __launch_bounds__(kThreads)
    gather_kernel(IndexShape s, const T* x, const int64_t* index, T* out, T otherwise,
                  Report report) {
  const int64_t n = s.outer * s.count * s.inner;
  for (int64_t e = gpu::global_thread(); e < n; e += gpu::global_threads()) {
    const Place p = place_of(e, s.count, s.inner);
    const int64_t k =
        index[p.o * s.index_strides[0] + p.j * s.index_strides[1] + p.i * s.index_strides[2]];
    if (k >= 0 && k < s.bound) {
      out[e] = x[p.o * s.strides[0] + k * s.strides[1] + p.i * s.strides[2]];
    } else {
      out[e] = otherwise;
      report(k, s.position(p.o, p.j, p.i), s.bound);
    }
  }
}

// Range r of `ranges` of the places of column (o, i), `length` each.
template <class T>
__global__ void __launch_bounds__(kThreads)
    scatter_kernel(IndexShape s, int64_t ranges, int64_t length, const int64_t* __restrict__ index,
                   const T* __restrict__ src, ScatterSums<T> sums, Report report) {
  for (int64_t t = gpu::global_thread(); t < s.outer * ranges * s.inner;
       t += gpu::global_threads()) {
    const Place p = place_of(t, ranges, s.inner);
    const int64_t begin = p.j * length;
    const int64_t end = begin + length < s.bound ? begin + length : s.bound;
    const int64_t base = p.o * s.bound * s.inner + p.i;
    for (int64_t k = begin; k < end && sums.has_state(); ++k) sums.begin(base + k * s.inner);
    const int64_t* at = index + p.o * s.index_strides[0] + p.i * s.index_strides[2];
    const T* from = src + p.o * s.strides[0] + p.i * s.strides[2];
#pragma unroll 4
    for (int64_t j = 0; j < s.count; ++j) {
      const int64_t k = at[j * s.index_strides[1]];
      if (k >= begin && k < end) {
        sums.arrive(base + k * s.inner, static_cast<MathType<T>>(from[j * s.strides[1]]));
      } else if (p.j == 0 && (k < 0 || k >= s.bound)) {
        report(k, s.position(p.o, j, p.i), s.bound);
      }
    }
    for (int64_t k = begin; k < end && sums.has_state(); ++k) sums.finish(base + k * s.inner);
  }
}

// U: the type that atomicAdd knows and T is added as.
template <class U>
__global__ void __launch_bounds__(kThreads)
    scatter_atomic_kernel(IndexShape s, const int64_t* index, const U* src, U* out, Report report) {
  const int64_t n = s.outer * s.count * s.inner;
  for (int64_t e = gpu::global_thread(); e < n; e += gpu::global_threads()) {
    const Place p = place_of(e, s.count, s.inner);
    const int64_t k =
        index[p.o * s.index_strides[0] + p.j * s.index_strides[1] + p.i * s.index_strides[2]];
    if (k >= 0 && k < s.bound) {
      atomicAdd(out + (p.o * s.bound + k) * s.inner + p.i,
                src[p.o * s.strides[0] + p.j * s.strides[1] + p.i * s.strides[2]]);
    } else {
      report(k, s.position(p.o, p.j, p.i), s.bound);
    }
  }
}

template <class T> void launch_gather(const Gather& a, const IndexShape& s, T otherwise) {
  const cuda::OnDevice stream(a.device());
  gpu::launch(gather_kernel<T>, gpu::grid_for(s.outer * s.count * s.inner, kThreads), kThreads, 0,
              stream, s, static_cast<const T*>(a.x.raw_data()),
              static_cast<const int64_t*>(a.index.raw_data()), static_cast<T*>(a.out.raw_data()),
              otherwise, report_for(a.op));
}

// Rows in steps of 16 bytes: the same problem with elements of that size.
bool widen(const Gather& a, IndexShape& s) {
  const auto per_pack = static_cast<int64_t>(16 / item_size(a.dtype()));
  if (s.index_strides[2] != 0 || s.strides[2] != 1 || s.inner % per_pack != 0 ||
      s.strides[0] % per_pack != 0 || s.strides[1] % per_pack != 0 ||
      !gpu::is_aligned(a.x.raw_data(), 16) || !gpu::is_aligned(a.out.raw_data(), 16)) {
    return false;
  }
  s.inner /= per_pack, s.strides[0] /= per_pack, s.strides[1] /= per_pack;
  return true;
}

using BitTypes = TypeList<uint8_t, int16_t, int32_t, int64_t>;

void gather(const Gather& a) {
  if (a.out.numel() == 0) return;
  IndexShape s = index_shape(a);
  const bool nan = is_floating(a.dtype());  // all bits set are NaN in every float
  if (widen(a, s)) {
    using Wide = gpu::Pack<int64_t, 2>;
    const int64_t bits = nan ? -1 : 0;
    return launch_gather<Wide>(a, s, Wide{{bits, bits}});
  }
  constexpr DType kBits[] = {kUInt8, kInt16, kInt32, kInt64};
  visit_dtype(BitTypes{}, a.op, kBits[__builtin_ctzll(item_size(a.dtype()))],
              [&]<class T>() { launch_gather<T>(a, s, static_cast<T>(nan ? -1 : 0)); });
}

template <class T> void scatter_typed(const Scatter& a) {
  const IndexShape s = index_shape(a);
  const int64_t lines = s.outer * s.inner;
  const int64_t ranges = std::clamp<int64_t>(kOwners / lines, 1, s.bound);
  const cuda::OnDevice stream(a.device());
  const gpu::ScatterState<T> state(a);
  gpu::launch(scatter_kernel<T>, gpu::grid_for(lines * ranges, kThreads), kThreads, 0, stream, s,
              ranges, gpu::ceil_div(s.bound, ranges),
              static_cast<const int64_t*>(a.index.raw_data()),
              static_cast<const T*>(a.src.raw_data()), state.sums(a), report_for(a.op));
}

void scatter(const Scatter& a) {
  if (a.index.numel() == 0) return;
  visit_dtype(AllTypes{}, a.op, a.dtype(), [&]<class T>() { scatter_typed<T>(a); });
}

void scatter_atomic(const Scatter& a) {
  if (a.index.numel() == 0) return;
  const IndexShape s = index_shape(a);
  const cuda::OnDevice stream(a.device());
  visit_dtype(TypeList<float, double, int32_t, int64_t>{}, a.op, a.dtype(), [&]<class T>() {
    using U = std::conditional_t<std::is_same_v<T, int64_t>, unsigned long long, T>;
    gpu::launch(scatter_atomic_kernel<U>, gpu::grid_for(s.outer * s.count * s.inner, kThreads),
                kThreads, 0, stream, s, static_cast<const int64_t*>(a.index.raw_data()),
                static_cast<const U*>(a.src.raw_data()), static_cast<U*>(a.out.raw_data()),
                report_for(a.op));
  });
}
const char* why_not_atomic(const Scatter& a) {
  return a.reduce == ScatterReduce::kSum && a.include_self ? nullptr
                                                           : "it can only add to what is there";
}

const bool kGather = gather_kernels().add({"cuda", kCUDA, dtypes_of(AllTypes{}), gather, 1});
const bool kOrdered = scatter_kernels().add({"ordered", kCUDA, dtypes_of(AllTypes{}), scatter, 1});
const bool kAtomic = scatter_kernels().add(
    {"atomic", kCUDA, {kFloat32, kFloat64}, scatter_atomic, 0, why_not_atomic, false});
const bool kInteger =
    scatter_kernels().add({"integer", kCUDA, {kInt32, kInt64}, scatter_atomic, 2, why_not_atomic});

}  // namespace
}  // namespace iolaus
