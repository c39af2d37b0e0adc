// Elementwise optimizers as rules that CPU and CUDA share: RMSprop, Adagrad, Adadelta, Adamax,
// NAdam, RAdam and Lion, as torch.optim has them (Lion: Chen et al. 2023). A rule holds a step's
// numbers and changes one element; a family picks the rule that a step's flags ask for. Before the
// rule runs, the caller has done
//   g = sign grad + decay theta;  theta *= shrink     (L2 penalty, or decoupled weight decay)
#pragma once

#include <cmath>

#include "kernels/elementwise/math.h"
#include "kernels/optimizer/optimizer.h"

namespace iolaus::optimizer {

/// Numbers of one parameter, which follow from its step.
struct ItemNumbers {
  double first = 0, second = 0, third = 0;
};

template <class A> struct Decay {
  A sign, decay, shrink;
  Decay(const OptimizerStep& s, bool decoupled)
      : sign(s.maximize ? A(-1) : A(1)),
        decay(decoupled ? A(0) : static_cast<A>(s.weight_decay)),
        shrink(decoupled ? static_cast<A>(1 - s.lr * s.weight_decay) : A(1)) {}
};

/// v = alpha v + (1 - alpha) g^2;  centred: a += (1 - alpha) (g - a), w = v - a^2, else w = v
/// b = momentum b + g / (sqrt(w) + eps);  theta -= lr b.  State: v, then b, then a, where kept.
struct RmsProp {
  static constexpr const char* kName = "rmsprop";
  template <class A, bool heavy, bool centered> struct Rule {
    static constexpr int kStates = 1 + heavy + centered;
    A lr, alpha, rest, eps, momentum;
    IOLAUS_HD void operator()(A& theta, A g, A* s, A, A, A) const {
      s[0] = alpha * s[0] + rest * g * g;
      A w = s[0];
      if constexpr (centered) {
        A& mean = s[kStates - 1];
        mean += rest * (g - mean);
        w -= mean * mean;
      }
      A move = g / (math::sqrt(w) + eps);
      if constexpr (heavy) move = s[1] = momentum * s[1] + move;
      theta -= lr * move;
    }
  };
  static ItemNumbers numbers(const OptimizerStep&, const OptimizerItem&) { return {}; }
  static bool decoupled(const OptimizerStep&) { return false; }
  template <class A, class Fn> static void visit(const OptimizerStep& s, Fn&& fn) {
    const auto with = [&]<bool heavy, bool centered>() {
      fn(Rule<A, heavy, centered>{static_cast<A>(s.lr), static_cast<A>(s.alpha),
                                  static_cast<A>(1 - s.alpha), static_cast<A>(s.eps),
                                  static_cast<A>(s.momentum)});
    };
    if (s.momentum > 0) {
      s.centered ? with.template operator()<true, true>() : with.template operator()<true, false>();
    } else {
      s.centered ? with.template operator()<false, true>()
                 : with.template operator()<false, false>();
    }
  }
};

/// v += g^2;  theta -= lr / (1 + (t - 1) lr_decay) g / (sqrt(v) + eps).  State: v.
struct Adagrad {
  static constexpr const char* kName = "adagrad";
  template <class A> struct Rule {
    static constexpr int kStates = 1;
    A eps;
    IOLAUS_HD void operator()(A& theta, A g, A* s, A rate, A, A) const {
      s[0] += g * g;
      theta -= rate * g / (math::sqrt(s[0]) + eps);
    }
  };
  static ItemNumbers numbers(const OptimizerStep& s, const OptimizerItem& item) {
    return {s.lr / (1 + static_cast<double>(item.step - 1) * s.lr_decay), 0, 0};
  }
  static bool decoupled(const OptimizerStep&) { return false; }
  template <class A, class Fn> static void visit(const OptimizerStep& s, Fn&& fn) {
    fn(Rule<A>{static_cast<A>(s.eps)});
  }
};

/// v = rho v + (1 - rho) g^2;  d = sqrt(u + eps) / sqrt(v + eps) g;  u = rho u + (1 - rho) d^2
/// theta -= lr d.  State: v, u.
struct Adadelta {
  static constexpr const char* kName = "adadelta";
  template <class A> struct Rule {
    static constexpr int kStates = 2;
    A lr, rho, rest, eps;
    IOLAUS_HD void operator()(A& theta, A g, A* s, A, A, A) const {
      s[0] = rho * s[0] + rest * g * g;
      const A move = math::sqrt(s[1] + eps) / math::sqrt(s[0] + eps) * g;
      s[1] = rho * s[1] + rest * move * move;
      theta -= lr * move;
    }
  };
  static ItemNumbers numbers(const OptimizerStep&, const OptimizerItem&) { return {}; }
  static bool decoupled(const OptimizerStep&) { return false; }
  template <class A, class Fn> static void visit(const OptimizerStep& s, Fn&& fn) {
    fn(Rule<A>{static_cast<A>(s.lr), static_cast<A>(s.rho), static_cast<A>(1 - s.rho),
               static_cast<A>(s.eps)});
  }
};

/// m += (1 - b1) (g - m);  u = max(b2 u, |g| + eps);  theta -= lr / (1 - b1^t) m / u.
/// State: m, u.
struct Adamax {
  static constexpr const char* kName = "adamax";
  template <class A> struct Rule {
    static constexpr int kStates = 2;
    A rest1, beta2, eps;
    IOLAUS_HD void operator()(A& theta, A g, A* s, A rate, A, A) const {
      s[0] += rest1 * (g - s[0]);
      const A before = beta2 * s[1], now = math::abs(g) + eps;
      s[1] = before > now ? before : now;
      theta -= rate * s[0] / s[1];
    }
  };
  static ItemNumbers numbers(const OptimizerStep& s, const OptimizerItem& item) {
    return {s.lr / (1 - std::pow(s.beta1, static_cast<double>(item.step))), 0, 0};
  }
  static bool decoupled(const OptimizerStep&) { return false; }
  template <class A, class Fn> static void visit(const OptimizerStep& s, Fn&& fn) {
    fn(Rule<A>{static_cast<A>(1 - s.beta1), static_cast<A>(s.beta2), static_cast<A>(s.eps)});
  }
};

/// mu_t = b1 (1 - 0.96^(t momentum_decay) / 2);  p the product of mu_1 ... mu_t
/// m and v as adam's;  theta -= lr ((1 - mu_t) / (1 - p) g + mu_{t+1} / (1 - p mu_{t+1}) m)
///                              / (sqrt(v / (1 - b2^t)) + eps).  State: m, v.
struct NAdam {
  static constexpr const char* kName = "nadam";
  template <class A> struct Rule {
    static constexpr int kStates = 2;
    A rest1, beta2, rest2, eps;
    IOLAUS_HD void operator()(A& theta, A g, A* s, A of_grad, A of_mean, A correction) const {
      s[0] += rest1 * (g - s[0]);
      s[1] = beta2 * s[1] + rest2 * g * g;
      theta -= (of_grad * g + of_mean * s[0]) / (math::sqrt(s[1] * correction) + eps);
    }
  };
  static double mu(const OptimizerStep& s, int64_t step) {
    return s.beta1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(step) * s.momentum_decay));
  }
  static ItemNumbers numbers(const OptimizerStep& s, const OptimizerItem& item) {
    const double now = mu(s, item.step), next = mu(s, item.step + 1);
    return {s.lr * (1 - now) / (1 - item.mu_product), s.lr * next / (1 - item.mu_product * next),
            1 / (1 - std::pow(s.beta2, static_cast<double>(item.step)))};
  }
  static bool decoupled(const OptimizerStep& s) { return s.decoupled; }
  template <class A, class Fn> static void visit(const OptimizerStep& s, Fn&& fn) {
    fn(Rule<A>{static_cast<A>(1 - s.beta1), static_cast<A>(s.beta2), static_cast<A>(1 - s.beta2),
               static_cast<A>(s.eps)});
  }
};

/// m and v as adam's;  r = 2 / (1 - b2) - 1,  r_t = r - 2 t b2^t / (1 - b2^t)
/// r_t > 5:  theta -= lr / (1 - b1^t) m sqrt(1 - b2^t) / (sqrt(v) + eps)
///                    sqrt((r_t - 4) (r_t - 2) r / ((r - 4) (r - 2) r_t))
/// else:     theta -= lr / (1 - b1^t) m.  State: m, v.
struct RAdam {
  static constexpr const char* kName = "radam";
  template <class A> struct Rule {
    static constexpr int kStates = 2;
    A rest1, beta2, rest2, eps;
    IOLAUS_HD void operator()(A& theta, A g, A* s, A rate, A rectified, A) const {
      s[0] += rest1 * (g - s[0]);
      s[1] = beta2 * s[1] + rest2 * g * g;
      theta -= rate * s[0] / (rectified != A(0) ? math::sqrt(s[1]) + eps : A(1));
    }
  };
  static ItemNumbers numbers(const OptimizerStep& s, const OptimizerItem& item) {
    const double t = static_cast<double>(item.step), rate = s.lr / (1 - std::pow(s.beta1, t));
    const double power = std::pow(s.beta2, t), end = 2 / (1 - s.beta2) - 1;
    const double length = end - 2 * t * power / (1 - power);
    if (length <= 5) return {rate, 0, 0};
    return {rate * std::sqrt((1 - power) * (length - 4) * (length - 2) * end /
                             ((end - 4) * (end - 2) * length)),
            1, 0};
  }
  static bool decoupled(const OptimizerStep& s) { return s.decoupled; }
  template <class A, class Fn> static void visit(const OptimizerStep& s, Fn&& fn) {
    fn(Rule<A>{static_cast<A>(1 - s.beta1), static_cast<A>(s.beta2), static_cast<A>(1 - s.beta2),
               static_cast<A>(s.eps)});
  }
};

/// theta *= 1 - lr wd;  theta -= lr sign(b1 m + (1 - b1) g);  m = b2 m + (1 - b2) g.  State: m.
struct Lion {
  static constexpr const char* kName = "lion";
  template <class A> struct Rule {
    static constexpr int kStates = 1;
    A lr, beta1, rest1, beta2, rest2;
    IOLAUS_HD void operator()(A& theta, A g, A* s, A, A, A) const {
      const A c = beta1 * s[0] + rest1 * g;
      theta -= c > A(0) ? lr : (c < A(0) ? -lr : A(0) * c);
      s[0] = beta2 * s[0] + rest2 * g;
    }
  };
  static ItemNumbers numbers(const OptimizerStep&, const OptimizerItem&) { return {}; }
  static bool decoupled(const OptimizerStep&) { return true; }
  template <class A, class Fn> static void visit(const OptimizerStep& s, Fn&& fn) {
    fn(Rule<A>{static_cast<A>(s.lr), static_cast<A>(s.beta1), static_cast<A>(1 - s.beta1),
               static_cast<A>(s.beta2), static_cast<A>(1 - s.beta2)});
  }
};

template <class... Families> struct FamilyList {};
using Families = FamilyList<RmsProp, Adagrad, Adadelta, Adamax, NAdam, RAdam, Lion>;

}  // namespace iolaus::optimizer

namespace iolaus {

/// The kernels of a family: "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "radam", "lion".
template <class Family> KernelSet<OptimizerStep>& optimizer_kernels();
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::RmsProp>();
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::Adagrad>();
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::Adadelta>();
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::Adamax>();
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::NAdam>();
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::RAdam>();
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::Lion>();

}  // namespace iolaus
