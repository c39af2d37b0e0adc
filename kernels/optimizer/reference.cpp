// The truth for optimizer steps: torch.optim's formulas, in double.
#include <cmath>

#include "kernels/elementwise/domain.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

void sgd_element(const OptimizerStep& s, const OptimizerItem& item, int64_t i) {
  const double theta = load_real(item.param, s.element, i);
  double g = load_real(item.grad, s.element, i);
  if (s.maximize) g = -g;
  g += s.weight_decay * theta;
  if (s.momentum != 0) {
    const double v = item.step <= 1 ? g
                                    : s.momentum * load_real(item.state[0], s.element, i) +
                                          (1 - s.dampening) * g;
    store_real(item.state[0], s.element, i, v);
    g = s.nesterov ? g + s.momentum * v : v;
  }
  store_real(item.param, s.element, i, theta - s.lr * g);
}

void adam_element(const OptimizerStep& s, const OptimizerItem& item, int64_t i) {
  double theta = load_real(item.param, s.element, i);
  double g = load_real(item.grad, s.element, i);
  if (s.maximize) g = -g;
  if (s.decoupled) {
    theta *= 1 - s.lr * s.weight_decay;
  } else {
    g += s.weight_decay * theta;
  }
  double m = load_real(item.state[0], s.element, i), v = load_real(item.state[1], s.element, i);
  m += (1 - s.beta1) * (g - m);
  v = s.beta2 * v + (1 - s.beta2) * g * g;
  store_real(item.state[0], s.element, i, m);
  store_real(item.state[1], s.element, i, v);
  double w = v;
  if (s.amsgrad) {
    w = std::max(load_real(item.state[2], s.element, i), v);
    store_real(item.state[2], s.element, i, w);
  }
  const double t = static_cast<double>(item.step);
  const double correction1 = 1 - std::pow(s.beta1, t), correction2 = 1 - std::pow(s.beta2, t);
  theta -= s.lr / correction1 * m / (std::sqrt(w) / std::sqrt(correction2) + s.eps);
  store_real(item.param, s.element, i, theta);
}

template <void (*element)(const OptimizerStep&, const OptimizerItem&, int64_t)>
void run(const OptimizerStep& s) {
  for (const OptimizerItem& item : s.items) {
    for (int64_t i = 0; i < item.numel; ++i) element(s, item, i);
  }
}

void norm(const TensorList& list) {
  const bool largest = std::isinf(list.order);
  double sum = 0;
  for (const TensorList::Item& item : list.items) {
    for (int64_t i = 0; i < item.numel; ++i) {
      const double x = std::abs(load_real(item.data, list.element, i));
      if (largest) {
        sum = x > sum || std::isnan(x) ? x : sum;
      } else {
        sum += std::pow(x, list.order);
      }
    }
  }
  store_real(list.scalar, list.stat_dtype(), 0, largest ? sum : std::pow(sum, 1 / list.order));
}

void scale(const TensorList& list) {
  const double factor = load_real(list.scalar, list.stat_dtype(), 0);
  for (const TensorList::Item& item : list.items) {
    for (int64_t i = 0; i < item.numel; ++i) {
      const double x = load_real(item.data, list.element, i);
      if (!std::isfinite(x) && list.found_inf != nullptr) {
        store_real(list.found_inf, list.stat_dtype(), 0, 1);
      }
      store_real(item.data, list.element, i, x * factor);
    }
  }
}

void clamp(const TensorList& list) {
  for (const TensorList::Item& item : list.items) {
    for (int64_t i = 0; i < item.numel; ++i) {
      const double x = load_real(item.data, list.element, i);
      if (std::abs(x) > list.limit) {
        store_real(item.data, list.element, i, std::copysign(list.limit, x));
      }
    }
  }
}

const std::vector<DType> kFloats = dtypes_of(FloatTypes{});
const bool kSgd = sgd_kernels().add({"reference", kCPU, kFloats, run<sgd_element>});
const bool kAdam = adam_kernels().add({"reference", kCPU, kFloats, run<adam_element>});
const bool kNorm = grad_norm_kernels().add({"reference", kCPU, kFloats, norm});
const bool kScale = grad_scale_kernels().add({"reference", kCPU, kFloats, scale});
const bool kClamp = grad_clamp_kernels().add({"reference", kCPU, kFloats, clamp});

}  // namespace
}  // namespace iolaus
