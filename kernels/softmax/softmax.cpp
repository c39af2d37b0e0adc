// Arguments and samples of softmax.
#include "kernels/softmax/softmax.h"

#include "kernels/check.h"

namespace iolaus {

Softmax make_softmax(const Tensor& out, const Tensor& x, const Tensor& g, int dim, bool log) {
  Softmax s;
  s.log = log;
  for (const Tensor* t : {&out, &g}) {
    if (!t->defined()) continue;
    IOLAUS_CHECK(t->sizes() == x.sizes() && t->dtype() == x.dtype() && t->device() == x.device() &&
                     t->is_contiguous() && x.is_contiguous(),
                 "[softmax] expected contiguous tensors of one kind, got {} and {}", x.describe(),
                 t->describe());
  }
  const int rank = x.sizes().rank();
  for (int d = 0; d < dim; ++d) s.outer *= x.sizes()[d];
  s.n = rank == 0 ? 1 : x.sizes()[dim];
  for (int d = dim + 1; d < rank; ++d) s.inner *= x.sizes()[d];
  s.x = x.raw_data();
  s.g = g.defined() ? g.raw_data() : nullptr;
  s.out = out.raw_data();
  s.element = s.compute = x.dtype();
  s.target = x.device();
  return s;
}

std::string Softmax::describe() const {
  return fmt::format("{} {} ({}, {}, {}) on {}", log ? "log_softmax" : "softmax",
                     dtype_name(compute), outer, n, inner, target.str());
}

Cost Softmax::cost() const {
  const double elements =
      static_cast<double>(outer) * static_cast<double>(n) * static_cast<double>(inner);
  return {4 * elements,
          elements * static_cast<double>(item_size(compute)) * (g != nullptr ? 3 : 2)};
}

void Softmax::prepare() {
  const DType chosen = compute;
  std::vector<Tensor> tensors = std::move(keep);
  *this = make_softmax(tensors[0], tensors[1], tensors.size() > 2 ? tensors[2] : Tensor(), 1, log);
  compute = chosen;
  keep = std::move(tensors);
}

void Softmax::adopt() {
  const TensorOptions options{.dtype = element, .device = target};
  const auto tensor = [&](const void* data) {
    return from_blob(const_cast<void*>(data), {outer, n, inner}, options);
  };
  keep = {tensor(out), tensor(x)};
  if (g != nullptr) keep.push_back(tensor(g));
}

namespace {

template <bool backward> std::vector<Softmax> softmax_samples(DType dtype) {
  const Dims shapes[] = {{1, 1, 1},  {4, 10, 1},   {64, 10, 1},  {3, 31, 1},
                         {3, 33, 1}, {2, 1000, 1}, {1, 5000, 1}, {2, 7, 5},
                         {1, 4, 40}, {3, 65, 33},  {0, 4, 1},    {4, 3, 0}};
  std::vector<Softmax> samples;
  uint64_t seed = 1;
  for (bool log : {false, true}) {
    for (const Dims& sizes : shapes) {
      for (double spread : {3.0, 40.0}) {
        Softmax s;
        s.log = log;
        s.compute = dtype;
        const TensorOptions options{.dtype = dtype};
        Tensor x = sample_tensor(sizes, dtype, ++seed, -spread, spread);
        if (backward) {
          // What the forward pass gives: probabilities or their logarithms.
          Tensor y = empty(sizes, options);
          softmax_kernels()(make_softmax(y, x, {}, 1, log));
          x = y;
        }
        s.keep = {empty(sizes, options), x};
        if (backward) s.keep.push_back(sample_tensor(sizes, dtype, ++seed));
        s.prepare();
        samples.push_back(std::move(s));
      }
    }
  }
  return samples;
}

}  // namespace

KernelSet<Softmax>& softmax_kernels() {
  static auto* set = new KernelSet<Softmax>("softmax", "softmax", softmax_samples<false>);
  return *set;
}
KernelSet<Softmax>& softmax_backward_kernels() {
  static auto* set = new KernelSet<Softmax>("softmax", "softmax_backward", softmax_samples<true>);
  return *set;
}

}  // namespace iolaus
