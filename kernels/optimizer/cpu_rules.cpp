// The elementwise optimizers of rules.h on the CPU: one pass over each chunk of each parameter.
#include "core/simd.h"
#include "kernels/elementwise/domain.h"
#include "kernels/optimizer/cpu_chunks.h"
#include "kernels/optimizer/flush.h"
#include "kernels/optimizer/rules.h"

namespace iolaus {
namespace {

using optimizer::Decay;
using optimizer::ItemNumbers;

// The arrays do not overlap, which ivdep tells the compiler; it does not vectorise them otherwise.
template <class T, class Rule, class A>
inline void rule_loop(const Rule rule, const Decay<A> d, const A first, const A second,
                      const A third, T* param, const T* grad, T* const* states, int64_t count) {
  constexpr int kStates = Rule::kStates;
  T* const state0 = states[0];
  T* const state1 = kStates > 1 ? states[1] : nullptr;
  T* const state2 = kStates > 2 ? states[2] : nullptr;
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    A theta = static_cast<A>(param[i]);
    const A g = d.sign * static_cast<A>(grad[i]) + d.decay * theta;
    theta *= d.shrink;
    A s[3] = {static_cast<A>(state0[i]), A(0), A(0)};
    if constexpr (kStates > 1) s[1] = static_cast<A>(state1[i]);
    if constexpr (kStates > 2) s[2] = static_cast<A>(state2[i]);
    rule(theta, g, s, first, second, third);
    state0[i] = static_cast<T>(s[0]);
    if constexpr (kStates > 1) state1[i] = static_cast<T>(s[1]);
    if constexpr (kStates > 2) state2[i] = static_cast<T>(s[2]);
    param[i] = static_cast<T>(theta);
  }
}

template <class T, class Family> void run_typed(const OptimizerStep& s) {
  using A = MathType<T>;
  const std::vector<cpu::Chunk> chunks = cpu::make_chunks(s.items);
  const Decay<A> decay(s, Family::decoupled(s));
  Family::template visit<A>(s, [&](const auto& rule) {
    cpu::for_each_chunk(chunks, [&](size_t i) {
      const cpu::FlushSubnormals flush;
      const cpu::Chunk& chunk = chunks[i];
      const OptimizerItem& item = s.items[chunk.item];
      const ItemNumbers n = Family::numbers(s, item);
      T* states[3] = {};
      for (int k = 0; k < 3; ++k) {
        if (item.state[k] != nullptr) states[k] = static_cast<T*>(item.state[k]) + chunk.begin;
      }
      simd::run([&] {
        rule_loop(rule, decay, static_cast<A>(n.first), static_cast<A>(n.second),
                  static_cast<A>(n.third), static_cast<T*>(item.param) + chunk.begin,
                  static_cast<const T*>(item.grad) + chunk.begin, states, chunk.count);
      });
    });
  });
}

template <class Family> void run(const OptimizerStep& s) {
  visit_dtype(FloatTypes{}, Family::kName, s.element, [&]<class T>() { run_typed<T, Family>(s); });
}

template <class... F> bool add_all(optimizer::FamilyList<F...>) {
  return (optimizer_kernels<F>().add({"cpu", kCPU, dtypes_of(FloatTypes{}), run<F>, 1}) && ...);
}
const bool kAdded = add_all(optimizer::Families{});

}  // namespace
}  // namespace iolaus
