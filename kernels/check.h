// The check that every kernel variant must pass: each sample runs through the variant (outputs
// filled with NaN first) and through the fp64 reference on the same inputs, rounded to the dtype;
// the error must stay under a bound that knows the dtype and the length of the reduction.
#pragma once

#include "kernels/kernel_set.h"

namespace iolaus {

struct CheckOptions {
  Device device = {};
};

struct CheckResult {
  std::string args;     // what was run
  std::string skipped;  // why the variant could not run on it, if so
  std::string output;   // the output with the worst error
  double max_abs_error = 0;
  double relative_l2 = 0;
  double bound = 0;  // of max_abs_error
  bool passed = false;
};

namespace detail {
/// A tensor like x with the same strides: its values, or for an output NaN (1 for other types);
/// in float64 where asked for and floating.
Tensor clone_for_check(const Tensor& x, Role role, bool to_double, Device device);
/// Merges the comparison of one output into result. Errors are measured against
/// eps(dtype) * (4 + sqrt(reduction)) * scale, scale the largest expected magnitude (at least 1).
void compare_output(const char* name, const Tensor& actual, const Tensor& expected, DType dtype,
                    int64_t reduction, CheckResult& result);

template <class Args> void replace_tensors(Args& args, bool to_double, Device device) {
  args.visit([&](const char*, Tensor& t, Role role) {
    if (!t.defined()) return;
    t = clone_for_check(t, role, to_double, device);
  });
  if constexpr (requires { args.prepare(); }) args.prepare();
}

template <class Args> int64_t reduction_length(const Args& args) {
  if constexpr (requires { args.reduction(); }) return args.reduction();
  return 1;
}
}  // namespace detail

template <class Args>
std::vector<CheckResult> KernelSet<Args>::check(const VariantInfo& variant, DType dtype,
                                                const CheckOptions& options) {
  const Entry* reference = nullptr;
  for (const auto& entry : entries_) {
    if (entry->name == "reference") reference = entry.get();
  }
  IOLAUS_CHECK_CODE(reference != nullptr, ErrorCode::kInternal, "[{}] has no reference", name());
  std::vector<CheckResult> results;
  for (const Args& sample : samples_(dtype)) {
    CheckResult& result = results.emplace_back();
    result.args = sample.describe();
    Args actual = sample, expected = sample;
    detail::replace_tensors(actual, false, options.device);
    detail::replace_tensors(expected, true, Device());
    if (const char* reason = run(variant, actual)) {
      result.skipped = reason;
      continue;
    }
    reference->run(expected);
    result.passed = true;
    std::vector<Tensor> truths;
    expected.visit([&](const char*, Tensor& t, Role) { truths.push_back(t); });
    size_t i = 0;
    actual.visit([&](const char* output, Tensor& t, Role role) {
      const Tensor& truth = truths[i++];
      if (role == Role::kIn || !t.defined()) return;
      detail::compare_output(output, t, truth, dtype, detail::reduction_length(sample), result);
    });
  }
  return results;
}

/// A random tensor for samples: values in [low, high) from a seed; integers are rounded down.
/// strided makes the memory non-contiguous.
Tensor sample_tensor(const Dims& sizes, DType dtype, uint64_t seed, double low = -1,
                     double high = 1, bool strided = false);

}  // namespace iolaus

#include "kernels/tune.h"  // KernelSet::measure_call: whoever makes a kernel set needs both
