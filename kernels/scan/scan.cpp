// Arguments and samples of scan.
#include "kernels/scan/scan.h"

#include "kernels/check.h"

namespace iolaus {
namespace {

template <ScanOp op> std::vector<Scan> samples(DType dtype) {
  const Dims shapes[] = {{1, 1, 1},   {3, 31, 1},   {2, 33, 1}, {1, 1000, 1}, {2, 7, 5},
                         {3, 65, 33}, {2, 9001, 1}, {0, 4, 1},  {4, 3, 0},    {300, 2, 1}};
  std::vector<Scan> all;
  uint64_t seed = 1;
  for (const Dims& sizes : shapes) {
    // Products of many numbers stay in range where the numbers are near 1.
    const bool prod = op == ScanOp::kProd && is_floating(dtype);
    const Tensor x = sample_tensor(sizes, dtype, ++seed, prod ? 0.98 : -2, prod ? 1.02 : 3);
    Scan s = make_scan(op, empty(sizes, {.dtype = dtype}), x, 1);
    s.keep = {empty(sizes, {.dtype = dtype}), x};
    s.prepare();
    all.push_back(std::move(s));
  }
  return all;
}

}  // namespace

Scan make_scan(ScanOp op, const Tensor& out, const Tensor& x, int dim) {
  IOLAUS_CHECK(out.sizes() == x.sizes() && out.dtype() == x.dtype() && out.device() == x.device() &&
                   out.is_contiguous() && x.is_contiguous(),
               "[scan] expected contiguous tensors of one kind, got {} and {}", x.describe(),
               out.describe());
  Scan s;
  s.op = op;
  const int rank = x.sizes().rank();
  for (int d = 0; d < dim; ++d) s.outer *= x.sizes()[d];
  s.n = rank == 0 ? 1 : x.sizes()[dim];
  for (int d = dim + 1; d < rank; ++d) s.inner *= x.sizes()[d];
  s.x = x.raw_data();
  s.out = out.raw_data();
  s.element = s.compute = x.dtype();
  s.target = x.device();
  return s;
}

std::string Scan::describe() const {
  return fmt::format("{} {} ({}, {}, {}) on {}", op == ScanOp::kSum ? "cumsum" : "cumprod",
                     dtype_name(compute), outer, n, inner, target.str());
}

Cost Scan::cost() const {
  const double elements =
      static_cast<double>(outer) * static_cast<double>(n) * static_cast<double>(inner);
  return {elements, 2 * elements * static_cast<double>(item_size(compute))};
}

void Scan::prepare() {
  const DType chosen = compute;
  std::vector<Tensor> tensors = std::move(keep);
  *this = make_scan(op, tensors[0], tensors[1], 1);
  compute = chosen;
  keep = std::move(tensors);
}

KernelSet<Scan>& scan_kernels(ScanOp op) {
  static auto* sum = new KernelSet<Scan>("scan", "cumsum", samples<ScanOp::kSum>);
  static auto* prod = new KernelSet<Scan>("scan", "cumprod", samples<ScanOp::kProd>);
  return op == ScanOp::kSum ? *sum : *prod;
}

}  // namespace iolaus
