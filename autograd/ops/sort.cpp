// sort and what is read off a sorted row. Values get their gradient as a lookup of rows of one
// element (embedding), which knows how to put gradients where they belong.
#include "autograd/ops/sort.h"

#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/embedding.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "kernels/copy/copy.h"
#include "kernels/sort/sort.h"

namespace iolaus {
namespace {

using Pair = std::pair<Tensor, Tensor>;

// x as (rows, n) with the dimension last, contiguous.
Tensor as_rows(const Tensor& x, int64_t d) {
  const Tensor last = x.dim() == 0 ? reshape(x, {1, 1}) : movedim(x, {d}, {-1});
  const int64_t n = last.size(-1);
  return reshape(last, {n == 0 ? 0 : last.numel() / n, n});
}

// (rows, k) back to x's shape with k elements along the dimension.
Tensor as_before(const Tensor& rows, const Dims& sizes, int64_t d) {
  if (sizes.empty()) return reshape(rows, {});
  Dims moved = sizes;
  moved.erase(static_cast<size_t>(d));
  moved.push_back(rows.size(-1));
  return contiguous(movedim(reshape(rows, moved), {-1}, {d}));
}

// rows[i, index[i, j]], differentiable.
Tensor look_up(const Tensor& rows, const Tensor& index) {
  const Tensor starts = mul(arange(rows.sizes()[0], kInt64, rows.device()), rows.sizes()[1]);
  const Tensor flat = add(index, unsqueeze(starts, 1));
  return squeeze(embedding(reshape(rows, {-1, 1}), flat), -1);
}

// Columns [start, start + count) of the sorted rows, in x's shape.
Pair sorted(const char* op, const Tensor& x, int64_t d, bool descending, int64_t start,
            int64_t count) {
  IOLAUS_CHECK(x.dim() <= 0 || x.sizes()[d] >= start + count,
               "[{}] expected at least {} elements along dimension {}, got {}", op, start + count,
               d, x.sizes().str());
  const Tensor rows = as_rows(x, d);
  Tensor values, indices;
  {
    const NoGrad no_grad;
    const Tensor dense = make_contiguous(rows.detach());
    const bool part = !x.device().is_cuda();  // there a row is sorted as a whole
    const Dims sizes = part ? Dims{dense.sizes()[0], count} : dense.sizes();
    values = empty(sizes, dense.options());
    indices = empty(sizes, {.dtype = kInt64, .device = x.device()});
    sort_kernels()(make_sort(values, indices, dense, descending, part ? start : 0));
    if (!part) {
      values = narrow(values, 1, start, count);
      indices = narrow(indices, 1, start, count);
    }
  }
  if (needs_grad(x) && x.numel() > 0) values = look_up(rows, indices);
  Dims sizes = x.sizes();
  return {as_before(values, sizes, d), as_before(indices, sizes, d)};
}

Pair one(const char* op, const Tensor& x, int64_t dim, int64_t k, bool keepdim) {
  const int d = wrap_dim(op, dim, x.dim());
  const Pair found = sorted(op, x, d, false, k, 1);
  if (keepdim || x.dim() == 0) return found;
  return {squeeze(found.first, d), squeeze(found.second, d)};
}

int64_t length(const Tensor& x, int d) { return x.dim() == 0 ? 1 : x.sizes()[d]; }

const bool kBoxed =
    boxed(
        "sort(Tensor input, int dim=-1, bool descending=False, bool stable=False) -> "
        "(Tensor, Tensor)",
        +[](const Tensor& x, int64_t dim, bool descending, bool) {
          return sort(x, dim, descending);
        }) &&
    boxed(
        "argsort(Tensor input, int dim=-1, bool descending=False, bool stable=False) -> Tensor",
        +[](const Tensor& x, int64_t dim, bool descending, bool) {
          return argsort(x, dim, descending);
        }) &&
    boxed(
        "topk(Tensor input, int k, int dim=-1, bool largest=True, bool sorted=True) -> "
        "(Tensor, Tensor)",
        +[](const Tensor& x, int64_t k, int64_t dim, bool largest, bool) {
          return topk(x, k, dim, largest);
        }) &&
    boxed("kthvalue(Tensor input, int k, int dim=-1, bool keepdim=False) -> (Tensor, Tensor)",
          kthvalue) &&
    boxed("median(Tensor input) -> Tensor", static_cast<Tensor (*)(const Tensor&)>(median)) &&
    boxed("median(Tensor input, int dim, bool keepdim=False) -> (Tensor, Tensor)",
          static_cast<Pair (*)(const Tensor&, int64_t, bool)>(median));

bool add_sample(const char* op, Tensor (*fn)(const Tensor&)) {
  return register_op({op, [=] {
                        const auto call = [fn](const Tensors& x) { return fn(x[0]); };
                        return std::vector<OpSample>{{"dense", {sample64({3, 4}, 1)}, call},
                                                     {"0-dim", {sample64({}, 2)}, call}};
                      }});
}
const bool kSamples =
    add_sample("sort", [](const Tensor& x) { return sort(x, 0, true).first; }) &&
    add_sample("topk", [](const Tensor& x) { return topk(x, 1, -1).first; }) &&
    add_sample("kthvalue", [](const Tensor& x) { return kthvalue(x, 1).first; }) &&
    add_sample("median", [](const Tensor& x) { return median(x, -1).first; });

}  // namespace

Pair sort(const Tensor& x, int64_t dim, bool descending) {
  const int d = wrap_dim("sort", dim, x.dim());
  return sorted("sort", x, d, descending, 0, length(x, d));
}

Tensor argsort(const Tensor& x, int64_t dim, bool descending) {
  return sort(x.detach(), dim, descending).second;
}

Pair topk(const Tensor& x, int64_t k, int64_t dim, bool largest) {
  const int d = wrap_dim("topk", dim, x.dim());
  IOLAUS_CHECK(k >= 0 && k <= length(x, d), "[topk] expected k in [0, {}], got {}", length(x, d),
               k);
  if (x.dim() == 0 && k == 0) return {empty({0}, x.options()), empty({0}, {.dtype = kInt64})};
  return sorted("topk", x, d, largest, 0, k);
}

Pair kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim) {
  const int d = wrap_dim("kthvalue", dim, x.dim());
  IOLAUS_CHECK(k >= 1 && k <= length(x, d), "[kthvalue] expected k in [1, {}], got {}",
               length(x, d), k);
  return one("kthvalue", x, d, k - 1, keepdim);
}

Pair median(const Tensor& x, int64_t dim, bool keepdim) {
  const int d = wrap_dim("median", dim, x.dim());
  const int64_t n = length(x, d);
  IOLAUS_CHECK(n > 0, "[median] expected at least one element along dimension {}, got {}", d,
               x.sizes().str());
  Pair middle = one("median", x, d, (n - 1) / 2, keepdim);
  if (!is_floating(x.dtype()) || x.numel() == 0) return middle;
  if (!isnan(amax(x.detach())).item<bool>()) return middle;
  // NaN sorts last; a row with one has it as its median.
  const Pair last = one("median", x, d, n - 1, keepdim);
  const Tensor nan = isnan(last.first.detach());
  return {where(nan, last.first, middle.first), where(nan, last.second, middle.second)};
}

Tensor median(const Tensor& x) {
  if (x.numel() == 0) {
    IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kInvalidArgument,
                      "[median] expected at least one element, got {}", x.describe());
    return scalar_tensor(std::numeric_limits<double>::quiet_NaN(), x.options());
  }
  return median(reshape(x, {-1}), 0).first;
}

}  // namespace iolaus
