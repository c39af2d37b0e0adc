// cross_entropy on CUDA, fused: the logits are read once (forward: maximum and sum of exponentials
// in one pass) and the log-probabilities are never written. A warp takes an item where its classes
// are contiguous, a thread where they are strided (inner > 1). The losses are summed by one block
// in a fixed order: deterministic.
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/softmax/rows.cuh"

namespace iolaus {
namespace {

constexpr int kThreads = 256;
template <class T> using Stat = MathType<T>;

template <class T> struct Problem {
  int64_t items, classes, inner, ignore_index;
  double smoothing;
  Reduction reduction;
  bool log_probabilities;
  const T* x;             // (rows, C, inner)
  const int64_t* target;  // (rows, inner)
  const T* weight;        // (C), or null
  Stat<T>* lse;           // (rows, inner)
  cuda::IndexError* error;
  cuda::IndexedOp op;

  __device__ int64_t base(int64_t i) const {
    const int64_t row = gpu::fast_div(i, inner);
    return row * classes * inner + (i - row * inner);
  }
  __device__ Stat<T> weight_of(int64_t c) const {
    return weight == nullptr ? Stat<T>(1) : static_cast<Stat<T>>(weight[c]);
  }
};

// The class of item i, -1 where it does not count: ignored, or no class at all (reported).
template <class T> __device__ int64_t class_of(const Problem<T>& p, int64_t i, bool report) {
  const int64_t t = p.target[i];
  if (t == p.ignore_index) return -1;
  if (t >= 0 && t < p.classes) return t;
  if (report) {
    gpu::report_index(p.error, p.op, t, i, p.classes);
  }
  return -1;
}

// losses (items) and weights (items) of the items, and their lse.
template <class T, bool kWarpEach>
__global__ void __launch_bounds__(kThreads)
    cross_entropy_kernel(Problem<T> p, Stat<T>* losses, Stat<T>* weights, T* unreduced) {
  using A = Stat<T>;
  constexpr gpu::Group kGroup = kWarpEach ? gpu::Group::kWarp : gpu::Group::kThread;
  constexpr int kWidth = kWarpEach ? gpu::kWarp : 1;
  constexpr int kGroups = kThreads / kWidth;
  const int member = threadIdx.x % kWidth;
  for (int64_t i0 = static_cast<int64_t>(blockIdx.x) * kGroups; i0 < p.items;
       i0 += static_cast<int64_t>(gridDim.x) * kGroups) {
    const int64_t i = i0 + threadIdx.x / kWidth;
    const bool active = i < p.items;
    const T* x = p.x + (active ? p.base(i) : 0);
    const int64_t count = active ? p.classes : 0;
    gpu::MaxSum<A> all{-INFINITY, A(0)};
    A weighted = 0, weight_sum = 0;  // sums of w_c x_c and w_c, for smoothing
    for (int64_t c = member; c < count; c += kWidth) {
      const A value = static_cast<A>(x[c * p.inner]);
      if (!p.log_probabilities) gpu::add_element(all, value);
      if (p.smoothing != 0) {
        weighted += p.weight_of(c) * value;
        weight_sum += p.weight_of(c);
      }
    }
    all = gpu::reduce_in<kGroup>(all, gpu::MaxSum<A>{-INFINITY, A(0)}, gpu::JoinMaxSum{});
    weighted = gpu::reduce_in<kGroup>(weighted, A(0), gpu::Sum{});
    weight_sum = gpu::reduce_in<kGroup>(weight_sum, A(0), gpu::Sum{});
    if (member != 0 || !active) continue;  // no collective follows in this turn
    const A lse = p.log_probabilities ? A(0) : all.largest + math::log(all.sum);
    const int64_t t = class_of(p, i, true);
    A loss = 0, weight = 0;
    if (t >= 0) {
      weight = p.weight_of(t);
      loss = weight * (lse - static_cast<A>(x[t * p.inner]));
      if (p.smoothing != 0) {
        const A s = static_cast<A>(p.smoothing);
        loss = (1 - s) * loss + s / static_cast<A>(p.classes) * (lse * weight_sum - weighted);
      }
    }
    p.lse[i] = lse;
    losses[i] = loss;
    weights[i] = weight;
    if (unreduced != nullptr) unreduced[i] = static_cast<T>(loss);
  }
}

// Sums of losses and weights, in double, by one block.
template <class T>
__global__ void __launch_bounds__(kThreads)
    cross_entropy_sum_kernel(int64_t items, Reduction reduction, const Stat<T>* losses,
                             const Stat<T>* weights, T* loss, Stat<T>* total_weight) {
  double sum = 0, total = 0;
  for (int64_t i = threadIdx.x; i < items; i += kThreads) {
    sum += static_cast<double>(losses[i]);
    total += static_cast<double>(weights[i]);
  }
  sum = gpu::block_reduce(sum, 0.0, gpu::Sum{});
  total = gpu::block_reduce(total, 0.0, gpu::Sum{});
  if (threadIdx.x != 0) return;
  *total_weight = static_cast<Stat<T>>(total);
  if (reduction == Reduction::kMean) *loss = static_cast<T>(static_cast<Stat<T>>(sum / total));
  if (reduction == Reduction::kSum) *loss = static_cast<T>(static_cast<Stat<T>>(sum));
}

// One thread an element of dx, in memory order.
template <class T>
__global__ void __launch_bounds__(kThreads)
    cross_entropy_backward_kernel(Problem<T> p, const T* g, const Stat<T>* total_weight,
                                  const double* all_weights, T* dx) {
  using A = Stat<T>;
  const A smooth = static_cast<A>(p.smoothing / static_cast<double>(p.classes));
  const A pull = p.smoothing != 0 ? smooth * static_cast<A>(*all_weights) : A(0);
  const int64_t n = p.items * p.classes, plane = p.classes * p.inner;
  for (int64_t e = gpu::global_thread(); e < n; e += gpu::global_threads()) {
    const int64_t row = gpu::fast_div(e, plane), in_row = e - row * plane;
    const int64_t c = gpu::fast_div(in_row, p.inner);
    const int64_t i = row * p.inner + (in_row - c * p.inner);
    const int64_t t = class_of(p, i, false);
    A value = 0;
    if (t >= 0) {
      A h = static_cast<A>(g[p.reduction == Reduction::kNone ? i : 0]);
      if (p.reduction == Reduction::kMean) h /= *total_weight;
      const A hit = static_cast<A>(1 - p.smoothing) * p.weight_of(t);
      const A probability =
          p.log_probabilities ? A(0) : math::exp(static_cast<A>(p.x[e]) - p.lse[i]);
      value = h * (probability * (hit + pull) - (c == t ? hit : A(0)) - smooth * p.weight_of(c));
    }
    dx[e] = static_cast<T>(value);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    weight_sum_kernel(int64_t classes, const T* weight, double* sum) {
  double own = 0;
  for (int64_t c = threadIdx.x; c < classes; c += kThreads) {
    own += weight == nullptr ? 1.0 : static_cast<double>(static_cast<MathType<T>>(weight[c]));
  }
  own = gpu::block_reduce(own, 0.0, gpu::Sum{});
  if (threadIdx.x == 0) *sum = own;
}

template <class T> Problem<T> problem_of(const CrossEntropy& s) {
  return {s.rows * s.inner,
          s.classes,
          s.inner,
          s.ignore_index,
          s.smoothing,
          s.reduction_kind,
          s.log_probabilities,
          static_cast<const T*>(s.x),
          s.target,
          static_cast<const T*>(s.weight),
          static_cast<Stat<T>*>(s.lse),
          cuda::index_error_record(),
          cuda::indexed_op("cross_entropy")};
}

template <class T> void forward(const CrossEntropy& s) {
  const cuda::OnDevice stream(s.device());
  const Problem<T> p = problem_of<T>(s);
  const gpu::DeviceScratch<Stat<T>> losses(s.device(), p.items), weights(s.device(), p.items);
  T* loss = static_cast<T*>(s.loss);
  T* unreduced = s.reduction_kind == Reduction::kNone ? loss : nullptr;
  if (p.items > 0 && p.inner == 1) {
    gpu::launch(cross_entropy_kernel<T, true>, gpu::grid_for(p.items, kThreads / gpu::kWarp),
                kThreads, 0, stream, p, losses.data(), weights.data(), unreduced);
  } else if (p.items > 0) {
    gpu::launch(cross_entropy_kernel<T, false>, gpu::grid_for(p.items, kThreads), kThreads, 0,
                stream, p, losses.data(), weights.data(), unreduced);
  }
  gpu::launch(cross_entropy_sum_kernel<T>, 1, kThreads, 0, stream, p.items, s.reduction_kind,
              losses.data(), weights.data(), loss, static_cast<Stat<T>*>(s.total_weight));
}

template <class T> void backward(const CrossEntropy& s) {
  const Problem<T> p = problem_of<T>(s);
  if (p.items * p.classes == 0) return;
  const cuda::OnDevice stream(s.device());
  const gpu::DeviceScratch<double> all_weights(s.device(), 1);
  if (s.smoothing != 0) {
    gpu::launch(weight_sum_kernel<T>, 1, kThreads, 0, stream, p.classes, p.weight,
                all_weights.data());
  }
  gpu::launch(cross_entropy_backward_kernel<T>, gpu::grid_for(p.items * p.classes, kThreads),
              kThreads, 0, stream, p, static_cast<const T*>(s.g),
              static_cast<const Stat<T>*>(s.total_weight), all_weights.data(),
              static_cast<T*>(s.dx));
}

void run_forward(const CrossEntropy& s) {
  visit_dtype(FloatTypes{}, "cross_entropy", s.element, [&]<class T>() { forward<T>(s); });
}
void run_backward(const CrossEntropy& s) {
  visit_dtype(FloatTypes{}, "cross_entropy", s.element, [&]<class T>() { backward<T>(s); });
}

const bool kForward =
    cross_entropy_kernels().add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_forward, 1});
const bool kBackward =
    cross_entropy_backward_kernels().add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_backward, 1});

}  // namespace
}  // namespace iolaus
