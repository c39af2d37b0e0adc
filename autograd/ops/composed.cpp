// Ops that are a call or two of others, by PyTorch's names; for the table alone.
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/arrange.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/index.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/sort.h"
#include "autograd/ops/view.h"

namespace iolaus {
namespace {

// Along the second dimension (the only one of a vector), the first or the third.
int64_t split_dim(const char* op, const Tensor& x, int64_t dim) {
  IOLAUS_CHECK(x.dim() > std::max<int64_t>(dim, 1) - (dim == 1 ? 1 : 0),
               "[{}] expected more dimensions than {} has", op, x.describe());
  return dim == 1 && x.dim() == 1 ? 0 : dim;
}
template <int64_t dim> Tensors split_equally(const char* op, const Tensor& x, int64_t sections) {
  const int64_t d = split_dim(op, x, dim);
  IOLAUS_CHECK(sections > 0 && x.size(d) % sections == 0,
               "[{}] expected a number of sections that divides {}, got {}", op, x.size(d),
               sections);
  return split(x, std::max<int64_t>(x.size(d) / sections, 1), d);
}

Tensor column_stack(const Tensors& tensors) {
  Tensors columns;
  for (const Tensor& x : tensors) {
    columns.push_back(x.dim() <= 1 ? reshape(x, {x.numel(), 1}) : x);
  }
  return cat(columns, 1);
}

// (2, count): rows and columns of one triangle, row by row.
Tensor triangle_indices(const char* op, int64_t rows, int64_t columns, int64_t offset, bool lower) {
  IOLAUS_CHECK(rows >= 0 && columns >= 0, "[{}] expected sizes of at least 0, got {} and {}", op,
               rows, columns);
  const Tensor all = ones({rows, columns}, {.dtype = kBool});
  return t(nonzero(lower ? tril(all, offset) : triu(all, offset)));
}

const bool kLikes =
    boxed(
        "expand_as(Tensor input, Tensor other) -> Tensor",
        +[](const Tensor& x, const Tensor& like) { return expand(x, like.sizes()); }) &&
    boxed(
        "view_as(Tensor input, Tensor other) -> Tensor",
        +[](const Tensor& x, const Tensor& like) { return view(x, like.sizes()); }) &&
    boxed(
        "reshape_as(Tensor input, Tensor other) -> Tensor",
        +[](const Tensor& x, const Tensor& like) { return reshape(x, like.sizes()); });
const bool kParts =
    boxed("column_stack(Tensor[] tensors) -> Tensor", column_stack) &&
    boxed(
        "hsplit(Tensor input, int sections) -> Tensor[]",
        +[](const Tensor& x, int64_t n) { return split_equally<1>("hsplit", x, n); }) &&
    boxed(
        "vsplit(Tensor input, int sections) -> Tensor[]",
        +[](const Tensor& x, int64_t n) { return split_equally<0>("vsplit", x, n); }) &&
    boxed(
        "dsplit(Tensor input, int sections) -> Tensor[]",
        +[](const Tensor& x, int64_t n) { return split_equally<2>("dsplit", x, n); }) &&
    boxed(
        "hsplit(Tensor input, int[] indices) -> Tensor[]",
        +[](const Tensor& x, const Dims& at) {
          return tensor_split(x, at, split_dim("hsplit", x, 1));
        }) &&
    boxed(
        "vsplit(Tensor input, int[] indices) -> Tensor[]",
        +[](const Tensor& x, const Dims& at) {
          return tensor_split(x, at, split_dim("vsplit", x, 0));
        }) &&
    boxed(
        "dsplit(Tensor input, int[] indices) -> Tensor[]", +[](const Tensor& x, const Dims& at) {
          return tensor_split(x, at, split_dim("dsplit", x, 2));
        });
const bool kOthers =
    boxed(
        "clamp_max(Tensor input, Scalar max) -> Tensor",
        +[](const Tensor& x, Scalar most) { return clamp(x, {}, most); }) &&
    boxed(
        "clamp_max(Tensor input, Tensor max) -> Tensor",
        +[](const Tensor& x, const Tensor& most) { return clamp(x, Tensor(), most); }) &&
    boxed(
        "diagflat(Tensor input, int offset=0) -> Tensor",
        +[](const Tensor& x, int64_t offset) { return diag_embed(reshape(x, {-1}), offset); }) &&
    boxed(
        "msort(Tensor input) -> Tensor",
        +[](const Tensor& x) { return sort(x, 0, false).first; }) &&
    boxed(
        "vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor",
        +[](const Tensor& x, const Tensor& y, int64_t dim) { return sum(mul(x, y), {dim}); }) &&
    boxed(
        "tril_indices(int row, int col, int offset=0, *, dtype dtype=int64) -> Tensor",
        +[](int64_t rows, int64_t columns, int64_t offset, DType dtype) {
          return to(triangle_indices("tril_indices", rows, columns, offset, true), dtype);
        }) &&
    boxed(
        "triu_indices(int row, int col, int offset=0, *, dtype dtype=int64) -> Tensor",
        +[](int64_t rows, int64_t columns, int64_t offset, DType dtype) {
          return to(triangle_indices("triu_indices", rows, columns, offset, false), dtype);
        });

const bool kSample =
    register_op({"column_stack", [] {
                   return std::vector<OpSample>{{"vector and matrix",
                                                 {sample64({3}, 1), sample64({3, 2}, 2)},
                                                 [](const Tensors& x) { return column_stack(x); }}};
                 }});

}  // namespace
}  // namespace iolaus
