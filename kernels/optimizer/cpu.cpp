// Optimizer steps on the CPU: one pass over each chunk of each parameter.
#include <cmath>

#include "core/simd.h"
#include "kernels/elementwise/domain.h"
#include "kernels/optimizer/cpu_chunks.h"
#include "kernels/optimizer/flush.h"
#include "kernels/optimizer/optimizer.h"

namespace iolaus {
namespace {

// One chunk's memory.
template <class T> struct Slices {
  T* __restrict param;
  const T* __restrict grad;
  T* __restrict state[3];
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

template <class T> void sgd_chunk(const OptimizerStep& s, int64_t step, const Slices<T>& p) {
  using Math = MathType<T>;
  const Math lr = static_cast<Math>(s.lr), decay = static_cast<Math>(s.weight_decay);
  const Math sign = s.maximize ? Math(-1) : Math(1);
  const Math momentum = static_cast<Math>(s.momentum);
  // The buffer begins as the gradient itself.
  const Math keep = step <= 1 ? Math(0) : momentum;
  const Math add = step <= 1 ? Math(1) : static_cast<Math>(1 - s.dampening);
  const Math from_grad = s.nesterov ? Math(1) : Math(0);
  const Math from_buffer = s.nesterov ? momentum : Math(1);
  T* __restrict param = p.param;
  const T* __restrict grad = p.grad;
  T* __restrict buffer = p.state[0];
  const bool fresh = step <= 1;
  simd::run([&] {
    if (momentum == 0) {
      for (int64_t i = 0; i < p.count; ++i) {
        const Math theta = static_cast<Math>(param[i]);
        param[i] = static_cast<T>(theta - lr * (sign * static_cast<Math>(grad[i]) + decay * theta));
      }
      return;
    }
    for (int64_t i = 0; i < p.count; ++i) {
      const Math theta = static_cast<Math>(param[i]);
      const Math g = sign * static_cast<Math>(grad[i]) + decay * theta;
      const Math old = fresh ? Math(0) : static_cast<Math>(buffer[i]);  // it may be uninitialised
      const Math v = keep * old + add * g;
      buffer[i] = static_cast<T>(v);
      param[i] = static_cast<T>(theta - lr * (from_grad * g + from_buffer * v));
    }
  });
}

template <class T> void adam_chunk(const OptimizerStep& s, int64_t step, const Slices<T>& p) {
  using Math = MathType<T>;
  const double t = static_cast<double>(step);
  const Math step_size = static_cast<Math>(s.lr / (1 - std::pow(s.beta1, t)));
  const Math correction = static_cast<Math>(1 / std::sqrt(1 - std::pow(s.beta2, t)));
  const Math sign = s.maximize ? Math(-1) : Math(1), eps = static_cast<Math>(s.eps);
  const Math decay = s.decoupled ? Math(0) : static_cast<Math>(s.weight_decay);
  const Math shrink = s.decoupled ? static_cast<Math>(1 - s.lr * s.weight_decay) : Math(1);
  const Math rest1 = static_cast<Math>(1 - s.beta1), rest2 = static_cast<Math>(1 - s.beta2);
  const Math beta2 = static_cast<Math>(s.beta2);
  T* __restrict param = p.param;
  const T* __restrict grad = p.grad;
  T* __restrict mean = p.state[0];
  T* __restrict square = p.state[1];
  T* __restrict most = p.state[2];
  const auto update = [&](int64_t i, bool amsgrad) {
    const Math theta = static_cast<Math>(param[i]);
    const Math g = sign * static_cast<Math>(grad[i]) + decay * theta;
    const Math before = static_cast<Math>(mean[i]);
    const Math m = before + rest1 * (g - before);
    const Math v = beta2 * static_cast<Math>(square[i]) + rest2 * g * g;
    mean[i] = static_cast<T>(m);
    square[i] = static_cast<T>(v);
    Math w = v;
    if (amsgrad) {
      const Math largest = static_cast<Math>(most[i]);
      w = largest > v ? largest : v;
      most[i] = static_cast<T>(w);
    }
    const Math scale = std::sqrt(w) * correction + eps;
    param[i] = static_cast<T>(theta * shrink - step_size * m / scale);
  };
  simd::run([&] {
    if (s.amsgrad) {
      for (int64_t i = 0; i < p.count; ++i) update(i, true);
    } else {
      for (int64_t i = 0; i < p.count; ++i) update(i, false);
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
