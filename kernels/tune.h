// Measuring the variants of a kernel against each other, on copies of a call's operands: each is
// first checked against the default's result, then all are timed in turns. The default always takes
// part, and wins where nothing is faster by 2 %.
#pragma once

#include <functional>

#include "kernels/check.h"
#include "kernels/tune_cache.h"

namespace iolaus {
namespace detail {

/// Median seconds of each piece of work, run A B A B...; about 30 ms for each.
std::vector<double> time_in_turns(Device device, std::span<const std::function<void()>> works);
/// The index of the fastest; 0, the default's, unless another is faster by more than 2 %.
size_t fastest(std::span<const double> seconds);

/// The arguments with copies of all outputs (what is only read is shared). Outputs hold NaN.
template <class Args> Args with_own_outputs(const Args& args) {
  Args copy = args;
  if constexpr (requires { copy.adopt(); }) copy.adopt();
  copy.visit([&](const char*, Tensor& t, Role role) {
    if (role == Role::kIn || !t.defined()) return;
    t = clone_for_check(t, role, false, args.device());
  });
  if constexpr (requires { copy.prepare(); }) copy.prepare();
  return copy;
}

/// Why the outputs differ from those of the default, "" where they agree.
template <class Args> std::string difference(Args& actual, Args& expected) {
  CheckResult result;
  result.passed = true;
  std::vector<Tensor> truths;
  expected.visit([&](const char*, Tensor& t, Role) { truths.push_back(t); });
  size_t i = 0;
  actual.visit([&](const char* output, Tensor& t, Role role) {
    const Tensor& truth = truths[i++];
    if (role == Role::kIn || !t.defined()) return;
    compare_output(output, t, truth, expected.dtype(), reduction_length(expected), result);
  });
  if (result.passed) return "";
  return fmt::format("differs from the default: {} by {:g}, allowed {:g}", result.output,
                     result.max_abs_error, result.bound);
}

}  // namespace detail

template <class Args>
void KernelSet<Args>::measure_call(const Args& args, const Variants& candidates,
                                   TuneResult& result) const {
  Args truth = args;
  std::vector<const VariantInfo*> checked;
  std::vector<Args> own;
  for (const VariantInfo* variant : candidates) {
    try {
      Args mine = detail::with_own_outputs(args);
      execute(*variant, mine);
      backend(args.device().type).synchronize(args.device());
      if (checked.empty()) {
        truth = mine;  // the first that runs is the default
      } else if (const std::string why = detail::difference(mine, truth); !why.empty()) {
        result.rejected[variant->name] = why;
        continue;
      }
      checked.push_back(variant);
      own.push_back(detail::with_own_outputs(args));
    } catch (const Error& e) {
      result.rejected[variant->name] = e.what();
    }
  }
  IOLAUS_CHECK_CODE(!checked.empty(), ErrorCode::kUnsupported, "[{}] no variant could run on {}",
                    name(), args.describe());
  std::vector<std::function<void()>> works;
  for (size_t i = 0; i < checked.size(); ++i) {
    works.push_back([this, variant = checked[i], &mine = own[i]] { execute(*variant, mine); });
  }
  const std::vector<double> seconds = detail::time_in_turns(args.device(), works);
  for (size_t i = 0; i < checked.size(); ++i) {
    result.microseconds[checked[i]->name] = seconds[i] * 1e6;
  }
  result.variant = checked[detail::fastest(seconds)]->name;
}

}  // namespace iolaus
