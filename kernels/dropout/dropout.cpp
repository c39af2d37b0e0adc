// Arguments and samples of dropout.
#include "kernels/dropout/dropout.h"

#include "kernels/check.h"

namespace iolaus {

Dropout make_dropout(const Tensor& out, const Tensor& x, double p, RandomKey key) {
  IOLAUS_CHECK(out.sizes() == x.sizes() && out.dtype() == x.dtype() && out.device() == x.device() &&
                   out.is_contiguous() && x.is_contiguous(),
               "[dropout] expected contiguous tensors of one kind, got {} and {}", x.describe(),
               out.describe());
  Dropout d;
  d.numel = x.numel();
  d.x = x.raw_data();
  d.out = out.raw_data();
  d.p = p;
  d.key = key;
  d.element = d.compute = x.dtype();
  d.target = x.device();
  return d;
}

std::string Dropout::describe() const {
  return fmt::format("{} {} elements p {} on {}", dtype_name(compute), numel, p, target.str());
}

Cost Dropout::cost() const {
  const double elements = static_cast<double>(numel);
  return {elements, 2 * elements * static_cast<double>(item_size(compute))};
}

void Dropout::prepare() {
  const DType chosen = compute;
  std::vector<Tensor> tensors = std::move(keep);
  *this = make_dropout(tensors[0], tensors[1], p, key);
  compute = chosen;
  keep = std::move(tensors);
}

namespace {

std::vector<Dropout> dropout_samples(DType dtype) {
  std::vector<Dropout> samples;
  uint64_t seed = 1;
  for (int64_t n : {0, 1, 3, 31, 32, 33, 1000, 70001}) {
    for (double p : {0.0, 0.1, 0.5, 1.0}) {
      Dropout d;
      d.compute = dtype;
      d.p = p;
      d.key = {42, ++seed};
      d.keep = {empty({n}, {.dtype = dtype}), sample_tensor({n}, dtype, seed, 0.5, 2)};
      d.prepare();
      samples.push_back(std::move(d));
    }
  }
  return samples;
}

}  // namespace

KernelSet<Dropout>& dropout_kernels() {
  static auto* set = new KernelSet<Dropout>("dropout", "dropout", dropout_samples);
  return *set;
}

}  // namespace iolaus
