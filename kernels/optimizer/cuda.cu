// sgd, adam and lists of gradients on CUDA: many tensors in one launch, one pass over parameter,
// gradient and state: bandwidth-bound. The norm is summed in a fixed order: deterministic.
#include <cmath>

#include "kernels/elementwise/domain.h"
#include "kernels/optimizer/cuda_batch.cuh"

namespace iolaus {
namespace {

using namespace optimizer;

template <class A> struct Sgd {
  A lr, weight_decay, momentum, keep, sign;  // keep = 1 - dampening
  bool has_momentum, nesterov;

  template <class T> __device__ void operator()(const StepItem& item, int64_t i) const {
    auto* param = static_cast<T*>(item.param);
    const A theta = static_cast<A>(param[i]);
    A g = sign * static_cast<A>(static_cast<const T*>(item.grad)[i]) + weight_decay * theta;
    if (has_momentum) {
      auto* state = static_cast<T*>(item.state[0]);
      const A v = item.first != 0 ? g : momentum * static_cast<A>(state[i]) + keep * g;
      state[i] = static_cast<T>(v);
      g = nesterov ? g + momentum * v : v;
    }
    param[i] = static_cast<T>(theta - lr * g);
  }
};

template <class A> struct Adam {
  A shrink, weight_decay, sign, keep1, beta2, keep2, eps;  // keep = 1 - beta
  bool amsgrad;

  template <class T> __device__ void operator()(const StepItem& item, int64_t i) const {
    auto* param = static_cast<T*>(item.param);
    auto *m_state = static_cast<T*>(item.state[0]), *v_state = static_cast<T*>(item.state[1]);
    A theta = static_cast<A>(param[i]);
    const A g = sign * static_cast<A>(static_cast<const T*>(item.grad)[i]) + weight_decay * theta;
    theta *= shrink;
    A m = static_cast<A>(m_state[i]), v = static_cast<A>(v_state[i]);
    m += keep1 * (g - m);
    v = beta2 * v + keep2 * g * g;
    m_state[i] = static_cast<T>(m);
    v_state[i] = static_cast<T>(v);
    A w = v;
    if (amsgrad) {
      auto* largest = static_cast<T*>(item.state[2]);
      const A old = static_cast<A>(largest[i]);
      w = old > v ? old : v;
      largest[i] = static_cast<T>(w);
    }
    const A step = static_cast<A>(item.first), correction = static_cast<A>(item.second);
    param[i] = static_cast<T>(theta - step * m / (math::sqrt(w) / correction + eps));
  }
};

template <class T> void sgd(const OptimizerStep& s) {
  using A = MathType<T>;
  const Sgd<A> rule{static_cast<A>(s.lr),
                    static_cast<A>(s.weight_decay),
                    static_cast<A>(s.momentum),
                    static_cast<A>(1 - s.dampening),
                    s.maximize ? A(-1) : A(1),
                    s.momentum != 0,
                    s.nesterov};
  launch_steps<T>(s, rule, [](const OptimizerItem& item) {
    return StepItem{item.param,
                    item.grad,
                    {item.state[0], nullptr, nullptr},
                    item.numel,
                    item.step <= 1 ? 1.0 : 0.0,
                    0,
                    0};
  });
}

template <class T> void adam(const OptimizerStep& s) {
  using A = MathType<T>;
  const Adam<A> rule{static_cast<A>(s.decoupled ? 1 - s.lr * s.weight_decay : 1),
                     static_cast<A>(s.decoupled ? 0 : s.weight_decay),
                     s.maximize ? A(-1) : A(1),
                     static_cast<A>(1 - s.beta1),
                     static_cast<A>(s.beta2),
                     static_cast<A>(1 - s.beta2),
                     static_cast<A>(s.eps),
                     s.amsgrad};
  launch_steps<T>(s, rule, [&](const OptimizerItem& item) {
    const auto t = static_cast<double>(item.step);
    return StepItem{item.param,
                    item.grad,
                    {item.state[0], item.state[1], item.state[2]},
                    item.numel,
                    s.lr / (1 - std::pow(s.beta1, t)),
                    std::sqrt(1 - std::pow(s.beta2, t)),
                    0};
  });
}

struct ListItem {
  void* data;
  int64_t numel;
};
ListItem list_item(const TensorList::Item& item) { return {item.data, item.numel}; }

// What the norm of an order adds up, or for infinity the largest of.
enum class Power { kOne, kTwo, kLargest, kAny };
Power power_of(double order) {
  if (std::isinf(order)) return Power::kLargest;
  return order == 1 ? Power::kOne : (order == 2 ? Power::kTwo : Power::kAny);
}

__device__ __forceinline__ double join(Power power, double a, double b) {
  return power == Power::kLargest ? gpu::Max{}(a, b) : a + b;
}
__device__ __forceinline__ double block_join(Power power, double value) {
  return power == Power::kLargest ? gpu::block_reduce(value, 0.0, gpu::Max{})
                                  : gpu::block_reduce(value, 0.0, gpu::Sum{});
}

// The sum over each block's elements to partial[blockIdx.x].
template <class T>
__global__ void __launch_bounds__(kThreads)
    power_sum_kernel(const __grid_constant__ Batch<ListItem> batch, Power power, double order,
                     double* partial) {
  double sum = 0;
  for_block(batch, [&](const ListItem& item, int64_t i) {
    const auto x = math::abs(
        static_cast<double>(static_cast<MathType<T>>(static_cast<const T*>(item.data)[i])));
    const double term = power == Power::kTwo   ? x * x
                        : power == Power::kAny ? math::pow(x, order)
                                               : x;
    sum = join(power, sum, term);
  });
  sum = block_join(power, sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

template <class S>
__global__ void __launch_bounds__(kThreads)
    norm_kernel(int64_t count, Power power, double order, const double* partial, S* out) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += kThreads) sum = join(power, sum, partial[i]);
  sum = block_join(power, sum);
  if (threadIdx.x != 0) return;
  if (power == Power::kTwo) sum = math::sqrt(sum);
  if (power == Power::kAny) sum = math::pow(sum, 1 / order);
  *out = static_cast<S>(sum);
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    clamp_kernel(const __grid_constant__ Batch<ListItem> batch, MathType<T> limit) {
  using A = MathType<T>;
  for_block(batch, [&](const ListItem& item, int64_t i) {
    auto* x = static_cast<T*>(item.data);
    const A value = static_cast<A>(x[i]), above = value < -limit ? -limit : value;
    x[i] = static_cast<T>(above > limit ? limit : above);
  });
}

// x *= factor; every thread that meets a value that is not finite writes the same 1.
template <class T>
__global__ void __launch_bounds__(kThreads)
    scale_kernel(const __grid_constant__ Batch<ListItem> batch, const MathType<T>* factor,
                 MathType<T>* found_inf) {
  using A = MathType<T>;
  const A by = *factor;
  bool bad = false;
  for_block(batch, [&](const ListItem& item, int64_t i) {
    auto* x = static_cast<T*>(item.data);
    const A value = static_cast<A>(x[i]);
    bad = bad || value - value != A(0);
    x[i] = static_cast<T>(value * by);
  });
  if (bad && found_inf != nullptr) *found_inf = A(1);
}

template <class T> void norm(const TensorList& list) {
  using S = MathType<T>;
  const Power power = power_of(list.order);
  int64_t blocks = 0;
  for (const auto& item : list.items) blocks += gpu::ceil_div(item.numel, kBlockElements);
  const cuda::OnDevice stream(list.device());
  const gpu::DeviceScratch<double> partial(list.device(), blocks);
  int64_t done = 0;
  for_batches<ListItem>(list.items, list_item, [&](const Batch<ListItem>& batch, unsigned count) {
    gpu::launch(power_sum_kernel<T>, count, kThreads, 0, stream, batch, power, list.order,
                partial.data() + done);
    done += count;
  });
  gpu::launch(norm_kernel<S>, 1, kThreads, 0, stream, blocks, power, list.order, partial.data(),
              static_cast<S*>(list.scalar));
}

template <class T> void scale(const TensorList& list) {
  using S = MathType<T>;
  const cuda::OnDevice stream(list.device());
  for_batches<ListItem>(list.items, list_item, [&](const Batch<ListItem>& batch, unsigned count) {
    gpu::launch(scale_kernel<T>, count, kThreads, 0, stream, batch,
                static_cast<const S*>(list.scalar), static_cast<S*>(list.found_inf));
  });
}

template <class T> void clamp(const TensorList& list) {
  const cuda::OnDevice stream(list.device());
  for_batches<ListItem>(list.items, list_item, [&](const Batch<ListItem>& batch, unsigned count) {
    gpu::launch(clamp_kernel<T>, count, kThreads, 0, stream, batch,
                static_cast<MathType<T>>(list.limit));
  });
}

void run_sgd(const OptimizerStep& s) {
  visit_dtype(FloatTypes{}, "sgd", s.element, [&]<class T>() { sgd<T>(s); });
}
void run_adam(const OptimizerStep& s) {
  visit_dtype(FloatTypes{}, "adam", s.element, [&]<class T>() { adam<T>(s); });
}
void run_norm(const TensorList& list) {
  visit_dtype(FloatTypes{}, "grad_norm", list.element, [&]<class T>() { norm<T>(list); });
}
void run_scale(const TensorList& list) {
  visit_dtype(FloatTypes{}, "grad_scale", list.element, [&]<class T>() { scale<T>(list); });
}
void run_clamp(const TensorList& list) {
  visit_dtype(FloatTypes{}, "grad_clamp", list.element, [&]<class T>() { clamp<T>(list); });
}

const std::vector<DType> kFloats = dtypes_of(FloatTypes{});
const bool kSgd = sgd_kernels().add({"cuda", kCUDA, kFloats, run_sgd, 1});
const bool kAdam = adam_kernels().add({"cuda", kCUDA, kFloats, run_adam, 1});
const bool kNorm = grad_norm_kernels().add({"cuda", kCUDA, kFloats, run_norm, 1});
const bool kScale = grad_scale_kernels().add({"cuda", kCUDA, kFloats, run_scale, 1});
const bool kClamp = grad_clamp_kernels().add({"cuda", kCUDA, kFloats, run_clamp, 1});

}  // namespace
}  // namespace iolaus
