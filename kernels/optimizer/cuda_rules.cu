// The elementwise optimizers of rules.h on CUDA: many tensors in one launch, one pass over
// parameter, gradient and state.
#include "kernels/elementwise/domain.h"
#include "kernels/optimizer/cuda_batch.cuh"
#include "kernels/optimizer/rules.h"

namespace iolaus {
namespace {

using optimizer::StepItem;

// A rule behind what all rules share: loads, weight decay, stores.
template <class A, class Rule> struct Element {
  optimizer::Decay<A> decay;
  Rule rule;

  template <class T> __device__ void operator()(const StepItem& item, int64_t i) const {
    auto* param = static_cast<T*>(item.param);
    A theta = static_cast<A>(param[i]);
    const A g =
        decay.sign * static_cast<A>(static_cast<const T*>(item.grad)[i]) + decay.decay * theta;
    theta *= decay.shrink;
    A state[Rule::kStates];
#pragma unroll
    for (int k = 0; k < Rule::kStates; ++k) {
      state[k] = static_cast<A>(static_cast<const T*>(item.state[k])[i]);
    }
    rule(theta, g, state, static_cast<A>(item.first), static_cast<A>(item.second),
         static_cast<A>(item.third));
#pragma unroll
    for (int k = 0; k < Rule::kStates; ++k) {
      static_cast<T*>(item.state[k])[i] = static_cast<T>(state[k]);
    }
    param[i] = static_cast<T>(theta);
  }
};

template <class T, class Family> void run_typed(const OptimizerStep& s) {
  using A = MathType<T>;
  Family::template visit<A>(s, [&]<class Rule>(const Rule& rule) {
    const Element<A, Rule> element{optimizer::Decay<A>(s, Family::decoupled(s)), rule};
    optimizer::launch_steps<T>(s, element, [&](const OptimizerItem& item) {
      const optimizer::ItemNumbers n = Family::numbers(s, item);
      return StepItem{item.param, item.grad, {item.state[0], item.state[1], item.state[2]},
                      item.numel, n.first,   n.second,
                      n.third};
    });
  });
}

template <class Family> void run(const OptimizerStep& s) {
  visit_dtype(FloatTypes{}, Family::kName, s.element, [&]<class T>() { run_typed<T, Family>(s); });
}

template <class... F> bool add_all(optimizer::FamilyList<F...>) {
  return (optimizer_kernels<F>().add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run<F>, 1}) && ...);
}
const bool kAdded = add_all(optimizer::Families{});

}  // namespace
}  // namespace iolaus
