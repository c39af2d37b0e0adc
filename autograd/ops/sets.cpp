// unique by a sort, weighted bincount by scatter_add, one_hot by scatter, searchsorted by
// bisection.
#include "autograd/ops/sets.h"

#include <limits>

#include "autograd/op_table.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/index.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/scan.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/sort.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "kernels/bincount/bincount.h"
#include "kernels/copy/copy.h"
#include "kernels/search/search.h"

namespace iolaus {
namespace {

Tensor boxed_search(const Tensor& sorted, const Tensor& values, bool out_int32, bool right,
                    const std::optional<std::string>& side, const Tensor& sorter) {
  IOLAUS_CHECK(!side || *side == "left" || *side == "right",
               "[searchsorted] expected side 'left' or 'right', got '{}'", *side);
  IOLAUS_CHECK(!(right && side && *side == "left"),
               "[searchsorted] right=true contradicts side='left'");
  IOLAUS_CHECK(!sorter.defined() || sorter.sizes() == sorted.sizes(),
               "[searchsorted] expected a sorter of shape {}, got {}", sorted.sizes().str(),
               sorter.describe());
  const Tensor ordered = sorter.defined() ? gather(sorted, -1, sorter) : sorted;
  return searchsorted(ordered, values, right || (side && *side == "right"), out_int32);
}

const bool kBoxed =
    boxed(
        "unique(Tensor input, bool sorted=True, bool return_inverse=False, "
        "bool return_counts=False, int? dim=None) -> Tensor[]",
        +[](const Tensor& x, bool, bool return_inverse, bool return_counts,
            std::optional<int64_t> dim) {
          const Unique found = dim ? unique(x, *dim) : unique(x);
          Tensors all{found.values};
          if (return_inverse) all.push_back(found.inverse);
          if (return_counts) all.push_back(found.counts);
          return all;
        }) &&
    boxed(
        "repeat_interleave(Tensor input, Tensor repeats, int? dim=None, *, int? output_size=None) "
        "-> Tensor",
        +[](const Tensor& x, const Tensor& repeats, std::optional<int64_t> dim,
            std::optional<int64_t>) { return repeat_interleave(x, repeats, dim); }) &&
    boxed("bincount(Tensor input, Tensor? weights=None, int minlength=0) -> Tensor", bincount) &&
    boxed("one_hot(Tensor input, int num_classes=-1) -> Tensor", one_hot) &&
    boxed(
        "searchsorted(Tensor sorted_sequence, Tensor input, *, bool out_int32=False, "
        "bool right=False, str? side=None, Tensor? sorter=None) -> Tensor",
        boxed_search) &&
    boxed(
        "searchsorted(Tensor sorted_sequence, Scalar input, *, bool out_int32=False, "
        "bool right=False, str? side=None, Tensor? sorter=None) -> Tensor",
        +[](const Tensor& sorted, Scalar value, bool out_int32, bool right,
            std::optional<std::string> side, const Tensor& sorter) {
          return boxed_search(sorted, scalar_tensor(value, sorted.options()), out_int32, right,
                              side, sorter);
        }) &&
    boxed(
        "bucketize(Tensor input, Tensor boundaries, *, bool out_int32=False, bool right=False) -> "
        "Tensor",
        +[](const Tensor& x, const Tensor& boundaries, bool out_int32, bool right) {
          IOLAUS_CHECK(boundaries.dim() == 1, "[bucketize] expected a vector of boundaries, got {}",
                       boundaries.describe());
          return searchsorted(boundaries, x, right, out_int32);
        }) &&
    boxed(
        "bucketize(Scalar input, Tensor boundaries, *, bool out_int32=False, bool right=False) -> "
        "Tensor",
        +[](Scalar x, const Tensor& boundaries, bool out_int32, bool right) {
          return searchsorted(boundaries, scalar_tensor(x, boundaries.options()), right, out_int32);
        });

}  // namespace

namespace {

// What follows from sorted entries: starts[i] says that entry i is not entry i - 1; order[i] is
// where it was.
Unique from_starts(const Tensor& starts, const Tensor& order) {
  const TensorOptions integers{.dtype = kInt64, .device = starts.device()};
  const int64_t n = starts.numel();
  const Tensor places = detail::true_places(starts);
  const Tensor inverse = scatter(empty({n}, integers), 0, order, sub(cumsum(starts, 0), 1));
  const Tensor next = cat({narrow(places, 0, 1, places.numel() - 1), full({1}, n, integers)});
  return {places, inverse, sub(next, places)};
}
Tensor with_first(const Tensor& changes) {
  return cat({ones({1}, {.dtype = kBool, .device = changes.device()}), changes});
}

}  // namespace

Unique unique(const Tensor& x, int64_t dim) {
  const NoGrad no_grad;
  const int d = wrap_dim("unique", dim, x.dim());
  if (x.dim() > 0 && x.sizes()[d] == 0) {  // no slices
    const TensorOptions integers{.dtype = kInt64, .device = x.device()};
    return {x.detach(), empty({0}, integers), empty({0}, integers)};
  }
  IOLAUS_CHECK(x.dim() > 0 && x.numel() > 0, "[unique] expected slices with elements, got {}",
               x.describe());
  const Tensor moved = movedim(x.detach(), {d}, {0});
  const int64_t n = moved.sizes()[0];
  const Tensor rows = reshape(moved, {n, -1});
  // Stable sorts by one column after the other, the last one first.
  Tensor order = arange(n, kInt64, x.device());
  for (int64_t c = rows.sizes()[1] - 1; c >= 0; --c) {
    const Tensor column = index_select(select(rows, 1, c), 0, order);
    order = index_select(order, 0, argsort(column));
  }
  const Tensor sorted = index_select(rows, 0, order);
  const Tensor changes = ne(narrow(sorted, 0, 1, n - 1), narrow(sorted, 0, 0, n - 1));
  Unique found = from_starts(with_first(n == 1 ? reshape(changes, {0}) : any(changes, {1})), order);
  Dims sizes = moved.sizes();
  sizes[0] = found.values.numel();
  found.values =
      contiguous(movedim(reshape(index_select(sorted, 0, found.values), sizes), {0}, {d}));
  return found;
}

Unique unique(const Tensor& x) {
  const NoGrad no_grad;
  const TensorOptions integers{.dtype = kInt64, .device = x.device()};
  if (x.numel() == 0)
    return {empty({0}, x.options()), empty(x.sizes(), integers), empty({0}, integers)};
  const auto [sorted, order] = sort(reshape(x.detach(), {-1}), 0);
  const int64_t n = sorted.numel();
  Unique found =
      from_starts(with_first(ne(narrow(sorted, 0, 1, n - 1), narrow(sorted, 0, 0, n - 1))), order);
  found.values = index_select(sorted, 0, found.values);
  found.inverse = reshape(found.inverse, x.sizes());
  return found;
}

Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<int64_t> dim) {
  if (!dim) return repeat_interleave(reshape(x, {-1}), repeats, 0);
  const int d = wrap_dim("repeat_interleave", *dim, x.dim());
  const Tensor base = x.dim() == 0 ? reshape(x, {1}) : x;
  IOLAUS_CHECK_CODE(repeats.dtype() == kInt64 || repeats.dtype() == kInt32, ErrorCode::kType,
                    "[repeat_interleave] expected int32 or int64 repeats, got {}",
                    repeats.describe());
  const int64_t n = base.sizes()[d];
  if (repeats.numel() == 1) return iolaus::repeat_interleave(x, repeats.item<int64_t>(), d);
  IOLAUS_CHECK(repeats.dim() == 1 && repeats.numel() == n,
               "[repeat_interleave] expected {} repeats, got {}", n, repeats.describe());
  IOLAUS_CHECK(n == 0 || amin(repeats).item<int64_t>() >= 0,
               "[repeat_interleave] expected repeats >= 0");
  const Tensor ends = cumsum(repeats, 0);
  const int64_t total = n == 0 ? 0 : select(ends, 0, -1).item<int64_t>();
  const Tensor places = searchsorted(ends, arange(total, kInt64, x.device()), true);
  return index_select(base, d, places);
}

Tensor bincount(const Tensor& x, const Tensor& weights, int64_t minlength) {
  const NoGrad no_grad;
  IOLAUS_CHECK(x.dim() == 1 && is_integral(x.dtype()),
               "[bincount] expected a vector of integers, got {}", x.describe());
  IOLAUS_CHECK(minlength >= 0, "[bincount] expected minlength >= 0, got {}", minlength);
  IOLAUS_CHECK(!weights.defined() || weights.sizes() == x.sizes(),
               "[bincount] expected weights of shape {}, got {}", x.sizes().str(),
               weights.describe());
  const Tensor places = to(x, kInt64);
  int64_t bins = minlength;
  if (x.numel() > 0) {
    const auto least = amin(places).item<int64_t>();
    IOLAUS_CHECK(least >= 0, "[bincount] expected values >= 0, got {}", least);
    bins = std::max(bins, amax(places).item<int64_t>() + 1);
  }
  if (!weights.defined()) {
    const Tensor counts = zeros({bins}, places.options());
    bincount_kernels()({contiguous(places), counts});
    return counts;
  }
  // PyTorch adds up weights in float64 unless they are float32.
  const Tensor amounts =
      weights.dtype() == kFloat32 ? weights.detach() : to(weights.detach(), kFloat64);
  return scatter_add(zeros({bins}, amounts.options()), 0, places, amounts);
}

Tensor one_hot(const Tensor& x, int64_t num_classes) {
  const NoGrad no_grad;
  IOLAUS_CHECK_CODE(x.dtype() == kInt64, ErrorCode::kType, "[one_hot] expected int64, got {}",
                    x.describe());
  IOLAUS_CHECK(x.numel() > 0 || num_classes > 0,
               "[one_hot] expected num_classes for a tensor without elements");
  if (x.numel() > 0) {
    const auto least = amin(x).item<int64_t>(), most = amax(x).item<int64_t>();
    if (num_classes == -1) {
      IOLAUS_CHECK(most < std::numeric_limits<int64_t>::max(),
                   "[one_hot] the class {} is too large", most);
      num_classes = most + 1;
    }
    IOLAUS_CHECK(least >= 0 && most < num_classes,
                 "[one_hot] expected classes in [0, {}), got {} to {}", num_classes, least, most);
  }
  Dims sizes = x.sizes();
  sizes.push_back(num_classes);
  // As one row, which a scatter walks faster than many short ones.
  const Tensor starts = mul(arange(x.numel(), kInt64, x.device()), num_classes);
  const Tensor zero = expand(scalar_tensor(0, x.options()), {checked_numel(sizes)});
  return reshape(scatter(zero, 0, add(starts, reshape(x, {-1})), 1), sizes);
}

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right, bool out_int32) {
  const NoGrad no_grad;
  IOLAUS_CHECK(sorted.dim() > 0, "[searchsorted] expected a sorted sequence, got {}",
               sorted.describe());
  IOLAUS_CHECK_CODE(sorted.dtype() == values.dtype() || values.dim() == 0, ErrorCode::kType,
                    "[searchsorted] expected values of {}, got {}", dtype_name(sorted.dtype()),
                    values.describe());
  const int64_t n = sorted.size(-1);
  Dims outer = sorted.sizes();
  outer.erase(outer.size() - 1);
  const bool shared = sorted.dim() == 1;
  if (!shared) {
    Dims own = values.sizes();
    if (!own.empty()) own.erase(own.size() - 1);
    IOLAUS_CHECK(values.dim() == sorted.dim() && own == outer,
                 "[searchsorted] expected values [{}..., m] for {}, got {}", outer.str(),
                 sorted.describe(), values.describe());
  }
  int64_t rows = 1;
  for (int64_t size : outer) rows *= size;
  const int64_t m = rows == 0 ? 0 : values.numel() / rows;
  const Tensor edges = make_contiguous(sorted.detach());
  const Tensor wanted = make_contiguous(to(values.detach(), sorted.dtype()));
  const Tensor out = empty({rows, m}, {.dtype = kInt64, .device = values.device()});
  search_kernels()({reshape(edges, {rows, n}), reshape(wanted, {rows, m}), out, right});
  const Tensor places = reshape(out, values.sizes());
  return out_int32 ? to(places, kInt32) : places;
}

}  // namespace iolaus
