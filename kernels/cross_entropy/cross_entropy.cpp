// Arguments and samples of cross_entropy.
#include "kernels/cross_entropy/cross_entropy.h"

#include "kernels/check.h"
#include "kernels/reference_io.h"

namespace iolaus {

void fail_bad_target(int64_t target, int64_t row, int64_t classes) {
  fail(ErrorCode::kIndex,
       "[cross_entropy] expected targets in [0, {}) or ignore_index, got {} at position {}",
       classes, target, row);
}

double CrossEntropy::weight_of(int64_t c) const {
  return weight == nullptr ? 1 : load_real(weight, element, c);
}

std::string CrossEntropy::describe() const {
  return fmt::format("{} ({}, {}, {}) reduction {} smoothing {}{}{} on {}", dtype_name(compute),
                     rows, classes, inner, static_cast<int>(reduction_kind), smoothing,
                     weight != nullptr ? " weight" : "",
                     log_probabilities ? " log-probabilities" : "", target_device.str());
}

Cost CrossEntropy::cost() const {
  const double elements =
      static_cast<double>(rows) * static_cast<double>(classes) * static_cast<double>(inner);
  return {4 * elements, elements * static_cast<double>(item_size(compute)) * (backward ? 2 : 1)};
}

void CrossEntropy::prepare() {
  size_t at = 0;
  if (backward) {
    dx = keep[at++].raw_data();
    g = keep[at++].raw_data();
  } else {
    loss = keep[at++].raw_data();
  }
  lse = keep[at++].raw_data();
  total_weight = keep[at++].raw_data();
  const Tensor& logits = keep[at++];
  x = logits.raw_data();
  element = logits.dtype();
  target = static_cast<const int64_t*>(keep[at++].raw_data());
  weight = at < keep.size() ? keep[at].raw_data() : nullptr;
  target_device = logits.device();
}

namespace {

CrossEntropy make_sample(const Dims& sizes, DType dtype, uint64_t& seed) {
  CrossEntropy s;
  s.rows = sizes[0];
  s.classes = sizes[1];
  s.inner = sizes[2];
  s.compute = dtype;
  const DType stat = cross_entropy_stat_dtype(dtype);
  Tensor target = empty({s.rows, s.inner}, {.dtype = kInt64});
  for (int64_t i = 0; i < target.numel(); ++i) {
    target.data<int64_t>()[i] = i % 5 == 3 ? s.ignore_index : (i * 7 + 1) % s.classes;
  }
  s.keep = {empty({}, {.dtype = dtype}), empty({s.rows, s.inner}, {.dtype = stat}),
            empty({}, {.dtype = stat}), sample_tensor(sizes, dtype, ++seed, -5, 5), target};
  return s;
}

// The backward sample of a forward one: lse and total_weight come from a forward pass.
CrossEntropy make_backward(const CrossEntropy& forward, DType dtype, uint64_t& seed) {
  cross_entropy_kernels()(forward);
  CrossEntropy s = forward;
  Tensor dx = empty(s.keep[3].sizes(), {.dtype = dtype});
  const Tensor g = sample_tensor(s.keep[0].sizes(), dtype, ++seed);
  s.keep.erase(s.keep.begin());
  s.keep.insert(s.keep.begin(), {dx, g});
  s.loss = nullptr;
  s.backward = true;
  s.prepare();
  return s;
}

template <bool is_backward> std::vector<CrossEntropy> cross_entropy_samples(DType dtype) {
  const Dims shapes[] = {{1, 1, 1},    {4, 10, 1},    {64, 10, 1}, {5, 33, 1},
                         {3, 1000, 1}, {200, 100, 1}, {2, 5, 7},   {3, 33, 40}};
  std::vector<CrossEntropy> samples;
  uint64_t seed = 1;
  for (const Dims& sizes : shapes) {
    for (int kind = 0; kind < 8; ++kind) {
      CrossEntropy s = make_sample(sizes, dtype, seed);
      s.reduction_kind = static_cast<Reduction>(kind % 3);
      if (s.reduction_kind == Reduction::kNone) {
        s.keep[0] = empty({s.rows, s.inner}, {.dtype = dtype});
      }
      s.smoothing = kind >= 3 && kind < 6 ? 0.1 : 0;
      s.log_probabilities = kind >= 6;
      if (kind % 2 == 1) s.keep.push_back(sample_tensor({s.classes}, dtype, ++seed, 0.5, 2));
      s.prepare();
      samples.push_back(is_backward ? make_backward(s, dtype, seed) : std::move(s));
    }
  }
  return samples;
}

}  // namespace

KernelSet<CrossEntropy>& cross_entropy_kernels() {
  static auto* set =
      new KernelSet<CrossEntropy>("cross_entropy", "cross_entropy", cross_entropy_samples<false>);
  return *set;
}
KernelSet<CrossEntropy>& cross_entropy_backward_kernels() {
  static auto* set = new KernelSet<CrossEntropy>("cross_entropy", "cross_entropy_backward",
                                                 cross_entropy_samples<true>);
  return *set;
}

}  // namespace iolaus
