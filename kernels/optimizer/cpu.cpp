// Optimizer steps on the CPU: one pass over each chunk of each parameter.
#include <cmath>

#include "core/simd.h"
#include "kernels/elementwise/domain.h"
#include "kernels/optimizer/cpu_chunks.h"
#include "kernels/optimizer/flush.h"
#include "kernels/optimizer/optimizer.h"

namespace iolaus {
namespace {

// The memory of one chunk. The loops below promise the compiler (ivdep) that the arrays do not
// overlap; it does not vectorise them otherwise.
template <class T> struct Slices {
  T* param;
  const T* grad;
  T* state[3];
  int64_t count;
};

template <class T> Slices<T> slices_of(const OptimizerItem& item, const cpu::Chunk& chunk) {
  const auto at = [&](void* data) {
    return data == nullptr ? nullptr : static_cast<T*>(data) + chunk.begin;
  };
  return {at(item.param),
          static_cast<const T*>(item.grad) + chunk.begin,
          {at(item.state[0]), at(item.state[1]), at(item.state[2])},
          chunk.count};
}

template <class T> struct SgdNumbers { T lr, decay, sign, momentum, add, from_grad, from_buffer; };

// fresh: the buffer begins as the gradient; what it held before may be uninitialised.
template <bool fresh, class T, class Math>
inline void momentum_loop(const SgdNumbers<Math> k, const T* grad, T* param, T* buffer,
                          int64_t count) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    const Math theta = static_cast<Math>(param[i]);
    const Math g = k.sign * static_cast<Math>(grad[i]) + k.decay * theta;
    Math v = g;
    if constexpr (!fresh) v = k.momentum * static_cast<Math>(buffer[i]) + k.add * g;
    buffer[i] = static_cast<T>(v);
    param[i] = static_cast<T>(theta - k.lr * (k.from_grad * g + k.from_buffer * v));
  }
}

template <class T> void sgd_chunk(const OptimizerStep& s, int64_t step, const Slices<T>& p) {
  using Math = MathType<T>;
  SgdNumbers<Math> k;
  k.lr = static_cast<Math>(s.lr);
  k.decay = static_cast<Math>(s.weight_decay);
  k.sign = s.maximize ? Math(-1) : Math(1);
  k.momentum = static_cast<Math>(s.momentum);
  k.add = static_cast<Math>(1 - s.dampening);
  k.from_grad = s.nesterov ? Math(1) : Math(0);
  k.from_buffer = s.nesterov ? k.momentum : Math(1);
  simd::run([k, p, fresh = step <= 1] {
    if (k.momentum != 0) {
      if (fresh) return momentum_loop<true>(k, p.grad, p.param, p.state[0], p.count);
      return momentum_loop<false>(k, p.grad, p.param, p.state[0], p.count);
    }
    T* param = p.param;
    const T* grad = p.grad;
#pragma GCC ivdep
    for (int64_t i = 0; i < p.count; ++i) {
      const Math theta = static_cast<Math>(param[i]);
      const Math g = k.sign * static_cast<Math>(grad[i]) + k.decay * theta;
      param[i] = static_cast<T>(theta - k.lr * g);
    }
  });
}

template <class T> struct AdamNumbers {
  T step_size, correction, sign, eps, decay, shrink, rest1, rest2, beta2;
};

template <bool amsgrad, class T, class Math>
inline void adam_loop(const AdamNumbers<Math> k, const T* grad, T* param, T* mean, T* square,
                      T* most, int64_t count) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    const Math theta = static_cast<Math>(param[i]);
    const Math g = k.sign * static_cast<Math>(grad[i]) + k.decay * theta;
    const Math before = static_cast<Math>(mean[i]);
    const Math m = before + k.rest1 * (g - before);
    const Math v = k.beta2 * static_cast<Math>(square[i]) + k.rest2 * g * g;
    mean[i] = static_cast<T>(m);
    square[i] = static_cast<T>(v);
    Math w = v;
    if constexpr (amsgrad) {
      const Math largest = static_cast<Math>(most[i]);
      w = largest > v ? largest : v;
      most[i] = static_cast<T>(w);
    }
    const Math scale = std::sqrt(w) * k.correction + k.eps;
    param[i] = static_cast<T>(theta * k.shrink - k.step_size * m / scale);
  }
}

template <class T> void adam_chunk(const OptimizerStep& s, int64_t step, const Slices<T>& p) {
  using Math = MathType<T>;
  const double t = static_cast<double>(step);
  AdamNumbers<Math> k;
  k.step_size = static_cast<Math>(s.lr / (1 - std::pow(s.beta1, t)));
  k.correction = static_cast<Math>(1 / std::sqrt(1 - std::pow(s.beta2, t)));
  k.sign = s.maximize ? Math(-1) : Math(1);
  k.eps = static_cast<Math>(s.eps);
  k.decay = s.decoupled ? Math(0) : static_cast<Math>(s.weight_decay);
  k.shrink = s.decoupled ? static_cast<Math>(1 - s.lr * s.weight_decay) : Math(1);
  k.rest1 = static_cast<Math>(1 - s.beta1);
  k.rest2 = static_cast<Math>(1 - s.beta2);
  k.beta2 = static_cast<Math>(s.beta2);
  simd::run([k, p, amsgrad = s.amsgrad] {
    if (amsgrad) {
      adam_loop<true>(k, p.grad, p.param, p.state[0], p.state[1], p.state[2], p.count);
    } else {
      adam_loop<false>(k, p.grad, p.param, p.state[0], p.state[1], p.state[2], p.count);
    }
  });
}

void sgd(const OptimizerStep& s) {
  const std::vector<cpu::Chunk> chunks = cpu::make_chunks(s.items);
  visit_dtype(FloatTypes{}, "sgd", s.element, [&]<class T>() {
    cpu::for_each_chunk(chunks, [&](size_t i) {
      const cpu::FlushSubnormals flush;
      const OptimizerItem& item = s.items[chunks[i].item];
      sgd_chunk(s, item.step, slices_of<T>(item, chunks[i]));
    });
  });
}

void adam(const OptimizerStep& s) {
  const std::vector<cpu::Chunk> chunks = cpu::make_chunks(s.items);
  visit_dtype(FloatTypes{}, "adam", s.element, [&]<class T>() {
    cpu::for_each_chunk(chunks, [&](size_t i) {
      const cpu::FlushSubnormals flush;
      const OptimizerItem& item = s.items[chunks[i].item];
      adam_chunk(s, item.step, slices_of<T>(item, chunks[i]));
    });
  });
}

const bool kSgd = sgd_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), sgd, 1});
const bool kAdam = adam_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), adam, 1});

}  // namespace
}  // namespace iolaus
