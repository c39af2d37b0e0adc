// Views: each records how to bring a gradient back to the base's shape.
#include "autograd/ops/view.h"

#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/reduce.h"
#include "autograd/record.h"
#include "core/views.h"

namespace iolaus {
namespace {

template <class Fn> Tensor record_view(const char* name, const Tensor& x, Tensor out, Fn backward) {
  autograd::mark_view(out, x);
  if (needs_grad(x)) record(name, out, edges(x), std::move(backward));
  return out;
}

// The gradient of a part: zeros of the base's shape with g put where the part was taken.
template <class Slice> Tensor put_back(const Tensor& g, const Dims& sizes, Slice&& slice_of) {
  Tensor whole = zeros(sizes, g.options());
  copy_(slice_of(whole), g);
  return whole;
}

// whole[geometry] += g where the geometry may reach an element several times: such dimensions are
// peeled off one index at a time, so that each addition writes every element at most once.
void accumulate_strided(const Tensor& whole, const Dims& sizes, const Dims& strides, int64_t offset,
                        const Tensor& g) {
  int order[kMaxRank];
  const int rank = sizes.rank();
  for (int d = 0; d < rank; ++d) order[d] = d;
  std::stable_sort(order, order + rank, [&](int a, int b) { return strides[a] < strides[b]; });
  int64_t reach = 0;
  for (int i = 0; i < rank; ++i) {
    const int d = order[i];
    if (sizes[d] == 1) continue;
    if (strides[d] <= reach) {
      Dims rest_sizes = sizes, rest_strides = strides;
      rest_sizes.erase(d);
      rest_strides.erase(d);
      for (int64_t k = 0; k < sizes[d]; ++k) {
        accumulate_strided(whole, rest_sizes, rest_strides, offset + k * strides[d],
                           select(g, d, k));
      }
      return;
    }
    reach += (sizes[d] - 1) * strides[d];
  }
  add_(as_strided(whole, sizes, strides, offset), g);
}

Tensor as_strided_backward(const Tensor& g, const Dims& base_sizes, const Dims& base_strides,
                           const Dims& sizes, const Dims& strides, int64_t offset) {
  Tensor whole = empty_strided(base_sizes, base_strides, g.options());
  // Also the gaps of a base that is not dense: the whole storage.
  fill_(views::as_strided(
            whole, {static_cast<int64_t>(whole.storage()->nbytes() / item_size(whole.dtype()))},
            {1}, 0),
        0);
  if (g.numel() > 0) accumulate_strided(whole, sizes, strides, offset, g);
  return whole;
}

auto as_strided_function(const Tensor& base, const Tensor& like) {
  return [base_sizes = base.sizes(), base_strides = base.strides(), sizes = like.sizes(),
          strides = like.strides(),
          offset = like.offset() - base.offset()](const Node&, const Tensor& g) {
    return as_strided_backward(g, base_sizes, base_strides, sizes, strides, offset);
  };
}

Dims inverse_permutation(const Dims& dims, int64_t rank) {
  Dims inverse = dims;
  for (size_t i = 0; i < dims.size(); ++i) {
    inverse[wrap_dim("permute", dims[i], rank)] = static_cast<int64_t>(i);
  }
  return inverse;
}

using OneDim = Tensor (*)(const Tensor&, int64_t);
const bool kBoxed =
    boxed(
        "as_strided(Tensor input, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
        +[](const Tensor& x, const Dims& sizes, const Dims& strides, std::optional<int64_t> at) {
          return as_strided(x, sizes, strides, at.value_or(x.offset()));
        }) &&
    boxed("view(Tensor input, int[] size) -> Tensor", view) &&
    boxed("reshape(Tensor input, int[] shape) -> Tensor", reshape) &&
    boxed("flatten(Tensor input, int start_dim=0, int end_dim=-1) -> Tensor", flatten) &&
    boxed("transpose(Tensor input, int dim0, int dim1) -> Tensor", transpose) &&
    boxed("t(Tensor input) -> Tensor", t) &&
    boxed("permute(Tensor input, int[] dims) -> Tensor", permute) &&
    boxed("expand(Tensor input, int[] size) -> Tensor", expand) &&
    boxed("squeeze(Tensor input) -> Tensor", static_cast<Tensor (*)(const Tensor&)>(squeeze)) &&
    boxed("squeeze(Tensor input, int dim) -> Tensor", OneDim(squeeze)) &&
    boxed("squeeze(Tensor input, int[] dim) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, const Dims&)>(squeeze)) &&
    boxed("unsqueeze(Tensor input, int dim) -> Tensor", unsqueeze) &&
    boxed("select(Tensor input, int dim, int index) -> Tensor", select) &&
    boxed(
        "slice(Tensor input, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor",
        +[](const Tensor& x, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
            int64_t step) {
          return slice(x, dim, start.value_or(0), end.value_or(INT64_MAX), step);
        }) &&
    boxed("narrow(Tensor input, int dim, int start, int length) -> Tensor", narrow) &&
    boxed(
        "narrow(Tensor input, int dim, Tensor start, int length) -> Tensor",
        +[](const Tensor& x, int64_t dim, const Tensor& start, int64_t length) {
          IOLAUS_CHECK(start.numel() == 1 && is_integral(start.dtype()),
                       "[narrow] expected one integer as start, got {}", start.describe());
          return narrow(x, dim, start.item<int64_t>(), length);
        }) &&
    boxed("unfold(Tensor input, int dimension, int size, int step) -> Tensor", unfold) &&
    boxed("diagonal(Tensor input, int offset=0, int dim1=0, int dim2=1) -> Tensor", diagonal);

}  // namespace

autograd::NodePtr autograd::as_strided_node(const Tensor& base, const Tensor& like) {
  return make_node("as_strided", edges(base), as_strided_function(base, like));
}

Tensor as_strided(const Tensor& x, const Dims& sizes, const Dims& strides, int64_t offset) {
  Tensor out = views::as_strided(x, sizes, strides, offset);
  return record_view("as_strided", x, out, as_strided_function(x, out));
}

Tensor view(const Tensor& x, const Dims& sizes) {
  return record_view(
      "view", x, views::view(x, sizes),
      [sizes = x.sizes()](const Node&, const Tensor& g) { return reshape(g, sizes); });
}

Tensor reshape(const Tensor& x, const Dims& sizes) {
  const Dims full = views::infer_sizes("reshape", sizes, x.numel());
  if (std::optional<Tensor> out = views::try_view(x, full)) {
    return record_view("reshape", x, *std::move(out),
                       [old = x.sizes()](const Node&, const Tensor& g) { return reshape(g, old); });
  }
  // Row-major explicitly: clone() would keep the layout that a view failed on.
  return view(contiguous(x), full);
}

Tensor flatten(const Tensor& x, int64_t start, int64_t end) {
  const int a = wrap_dim("flatten", start, x.dim()), b = wrap_dim("flatten", end, x.dim());
  IOLAUS_CHECK(a <= b, "[flatten] start dimension {} comes after end dimension {}", a, b);
  if (x.dim() == 0) return reshape(x, {1});
  Dims sizes;
  int64_t merged = 1;
  for (int d = 0; d < x.dim(); ++d) {
    if (d >= a && d <= b) merged *= x.sizes()[d];
    if (d == b) sizes.push_back(merged);
    if (d < a || d > b) sizes.push_back(x.sizes()[d]);
  }
  return reshape(x, sizes);
}

Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1) {
  return record_view(
      "transpose", x, views::transpose(x, dim0, dim1),
      [dim0, dim1](const Node&, const Tensor& g) { return transpose(g, dim0, dim1); });
}
Tensor t(const Tensor& x) {
  IOLAUS_CHECK(x.dim() <= 2, "[t] expected at most 2 dimensions, got {}", x.sizes().str());
  return x.dim() < 2 ? x : transpose(x, 0, 1);
}

Tensor permute(const Tensor& x, const Dims& dims) {
  return record_view("permute", x, views::permute(x, dims),
                     [inverse = inverse_permutation(dims, x.dim())](const Node&, const Tensor& g) {
                       return permute(g, inverse);
                     });
}

Tensor expand(const Tensor& x, const Dims& sizes) {
  return record_view("expand", x, views::expand(x, sizes),
                     [old = x.sizes()](const Node&, const Tensor& g) { return sum_to(g, old); });
}

Tensor squeeze(const Tensor& x) {
  return record_view("squeeze", x, views::squeeze(x),
                     [old = x.sizes()](const Node&, const Tensor& g) { return reshape(g, old); });
}
Tensor squeeze(const Tensor& x, int64_t dim) {
  return record_view("squeeze", x, views::squeeze(x, dim),
                     [old = x.sizes()](const Node&, const Tensor& g) { return reshape(g, old); });
}
Tensor squeeze(const Tensor& x, const Dims& dims) {
  Dims sizes = x.sizes(), strides = x.strides();
  uint32_t mask = 0;
  for (int64_t dim : dims) {
    const uint32_t bit = 1u << wrap_dim("squeeze", dim, x.dim());
    IOLAUS_CHECK((mask & bit) == 0, "[squeeze] a dimension is repeated in {}", dims.str());
    mask |= bit;
  }
  for (int d = static_cast<int>(x.dim()) - 1; d >= 0; --d) {
    if ((mask >> d & 1u) == 0 || sizes[d] != 1) continue;
    sizes.erase(d);
    strides.erase(d);
  }
  return record_view("squeeze", x, make_view(x, sizes, strides, x.offset()),
                     [old = x.sizes()](const Node&, const Tensor& g) { return reshape(g, old); });
}
Tensor unsqueeze(const Tensor& x, int64_t dim) {
  return record_view("unsqueeze", x, views::unsqueeze(x, dim),
                     [dim](const Node&, const Tensor& g) { return squeeze(g, dim); });
}

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
  return record_view("select", x, views::select(x, dim, index),
                     [dim, index, sizes = x.sizes()](const Node&, const Tensor& g) {
                       return put_back(g, sizes,
                                       [&](const Tensor& w) { return select(w, dim, index); });
                     });
}

Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t end, int64_t step) {
  return record_view(
      "slice", x, views::slice(x, dim, start, end, step),
      [=, sizes = x.sizes()](const Node&, const Tensor& g) {
        return put_back(g, sizes, [&](const Tensor& w) { return slice(w, dim, start, end, step); });
      });
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  return record_view(
      "narrow", x, views::narrow(x, dim, start, length),
      [=, sizes = x.sizes()](const Node&, const Tensor& g) {
        return put_back(g, sizes, [&](const Tensor& w) { return narrow(w, dim, start, length); });
      });
}

Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step) {
  Tensor out = views::unfold(x, dim, size, step);
  return record_view("unfold", x, out, as_strided_function(x, out));
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim0, int64_t dim1) {
  return record_view(
      "diagonal", x, views::diagonal(x, offset, dim0, dim1),
      [=, sizes = x.sizes()](const Node&, const Tensor& g) {
        return put_back(g, sizes, [&](const Tensor& w) { return diagonal(w, offset, dim0, dim1); });
      });
}

}  // namespace iolaus
