// Parts, stacks and turns made of views and copies of views.
#include "autograd/ops/arrange.h"

#include <algorithm>

#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/index.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"

namespace iolaus {
namespace {

// x with dimensions of 1 as torch.atleast_1d, 2d and 3d add them.
Tensor with_rank(const Tensor& x, int64_t rank) {
  Tensor out = x;
  if (rank == 3 && x.dim() <= 2) {
    if (x.dim() == 0) return reshape(x, {1, 1, 1});
    return unsqueeze(x.dim() == 1 ? unsqueeze(x, 0) : x, -1);
  }
  while (out.dim() < rank) out = unsqueeze(out, 0);
  return out;
}

template <int64_t rank> Tensor one_at_least(const Tensor& x) { return with_rank(x, rank); }
template <int64_t rank> Tensors at_least(const Tensors& tensors) { return atleast(tensors, rank); }

// The numbers of x's elements in x's shape, for writing into parts of it.
Tensor numbers_of(const Tensor& x) {
  return reshape(arange(x.numel(), kInt64, x.device()), x.sizes());
}

// x with source at the places of part, which is a view of numbers_of(x).
Tensor written(const char* op, const Tensor& x, const Tensor& part, const Tensor& source) {
  IOLAUS_CHECK(part.sizes() == source.sizes(), "[{}] expected a source of shape {}, got {}", op,
               part.sizes().str(), source.describe());
  const Tensor flat = index_put(reshape(x, {x.numel()}), {reshape(part, {part.numel()})},
                                reshape(to(source, x.dtype()), {part.numel()}));
  return reshape(flat, x.sizes());
}

Tensors split_at(const char* op, const Tensor& x, const Tensor& places, int64_t dim) {
  IOLAUS_CHECK_CODE(places.dtype() == kInt64 && places.device().is_cpu(), ErrorCode::kType,
                    "[{}] expected int64 indices on the CPU, got {}", op, places.describe());
  IOLAUS_CHECK(places.dim() <= 1, "[{}] expected a number or a vector, got {}", op,
               places.describe());
  if (places.dim() == 0) return tensor_split(x, places.item<int64_t>(), dim);
  return tensor_split(x, Dims(places.to_vector<int64_t>()), dim);
}

const bool kParts =
    boxed("tensor_split(Tensor input, int sections, int dim=0) -> Tensor[]",
          static_cast<Tensors (*)(const Tensor&, int64_t, int64_t)>(tensor_split)) &&
    boxed("tensor_split(Tensor input, int[] indices, int dim=0) -> Tensor[]",
          static_cast<Tensors (*)(const Tensor&, const Dims&, int64_t)>(tensor_split)) &&
    boxed(
        "tensor_split(Tensor input, Tensor tensor_indices_or_sections, int dim=0) -> Tensor[]",
        +[](const Tensor& x, const Tensor& places, int64_t dim) {
          return split_at("tensor_split", x, places, dim);
        }) &&
    boxed("hstack(Tensor[] tensors) -> Tensor", hstack) &&
    boxed("vstack(Tensor[] tensors) -> Tensor", vstack) &&
    boxed("dstack(Tensor[] tensors) -> Tensor", dstack) &&
    boxed("block_diag(Tensor[] tensors) -> Tensor", block_diag) &&
    boxed("broadcast_tensors(Tensor[] tensors) -> Tensor[]", broadcast_tensors) &&
    boxed("broadcast_to(Tensor input, int[] size) -> Tensor", expand);
const bool kRanks = boxed("atleast_1d(Tensor[] tensors) -> Tensor[]", at_least<1>) &&
                    boxed("atleast_2d(Tensor[] tensors) -> Tensor[]", at_least<2>) &&
                    boxed("atleast_3d(Tensor[] tensors) -> Tensor[]", at_least<3>) &&
                    boxed("atleast_1d(Tensor input) -> Tensor", one_at_least<1>) &&
                    boxed("atleast_2d(Tensor input) -> Tensor", one_at_least<2>) &&
                    boxed("atleast_3d(Tensor input) -> Tensor", one_at_least<3>);

const bool kMoves =
    boxed("rot90(Tensor input, int k=1, int[] dims=[0, 1]) -> Tensor", rot90) &&
    boxed("kron(Tensor input, Tensor other) -> Tensor", kron) &&
    boxed("diag(Tensor input, int diagonal=0) -> Tensor", diag) &&
    boxed(
        "diff(Tensor input, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> "
        "Tensor",
        diff) &&
    boxed("take(Tensor input, Tensor index) -> Tensor", take) &&
    boxed("select_scatter(Tensor input, Tensor src, int dim, int index) -> Tensor",
          select_scatter) &&
    boxed(
        "slice_scatter(Tensor input, Tensor src, int dim=0, int? start=None, int? end=None, "
        "int step=1) -> Tensor",
        slice_scatter) &&
    boxed(
        "diagonal_scatter(Tensor input, Tensor src, int offset=0, int dim1=0, int dim2=1) -> "
        "Tensor",
        diagonal_scatter) &&
    boxed(
        "fliplr(Tensor input) -> Tensor",
        +[](const Tensor& x) {
          IOLAUS_CHECK(x.dim() >= 2, "[fliplr] expected at least two dimensions, got {}",
                       x.describe());
          return flip(x, {1});
        }) &&
    boxed(
        "flipud(Tensor input) -> Tensor", +[](const Tensor& x) {
          IOLAUS_CHECK(x.dim() >= 1, "[flipud] expected at least one dimension, got {}",
                       x.describe());
          return flip(x, {0});
        });

bool add_sample(const char* op, const std::vector<Dims>& sizes, Tensor (*fn)(const Tensors&)) {
  return register_op({op, [=] {
                        Tensors inputs;
                        for (const Dims& size : sizes) {
                          inputs.push_back(sample64(size, inputs.size() + 1));
                        }
                        return std::vector<OpSample>{{"sample", inputs, fn}};
                      }});
}
Tensor places(const std::vector<int64_t>& values) {
  return from_values<int64_t>(values, {static_cast<int64_t>(values.size())});
}
const bool kSamples =
    add_sample("tensor_split", {{5, 2}},
               [](const Tensors& x) { return tensor_split(x[0], 2)[0]; }) &&
    add_sample("hstack", {{2, 3}, {2, 1}}, hstack) && add_sample("vstack", {{3}, {2, 3}}, vstack) &&
    add_sample("dstack", {{2, 3}, {2, 3}}, dstack) &&
    add_sample("rot90", {{2, 3}}, [](const Tensors& x) { return rot90(x[0]); }) &&
    add_sample("kron", {{2, 3}, {2}}, [](const Tensors& x) { return kron(x[0], x[1]); }) &&
    add_sample("block_diag", {{2, 3}, {2}}, block_diag) &&
    add_sample("diag", {{3}}, [](const Tensors& x) { return diag(x[0], -1); }) &&
    add_sample("diff", {{2, 5}}, [](const Tensors& x) { return diff(x[0], 2); }) &&
    add_sample("take", {{2, 3}},
               [](const Tensors& x) {
                 return take(x[0], to(places({5, -6, 5}), x[0].device()));
               }) &&
    add_sample("select_scatter", {{2, 3}, {2}},
               [](const Tensors& x) { return select_scatter(x[0], x[1], 1, -1); }) &&
    add_sample("slice_scatter", {{4, 3}, {2, 3}},
               [](const Tensors& x) { return slice_scatter(x[0], x[1], 0, 0, 4, 2); }) &&
    add_sample("diagonal_scatter", {{3, 3}, {2}},
               [](const Tensors& x) { return diagonal_scatter(x[0], x[1], 1); });

}  // namespace

Tensors tensor_split(const Tensor& x, int64_t sections, int64_t dim) {
  IOLAUS_CHECK(x.dim() > 0, "[tensor_split] expected at least one dimension, got {}", x.describe());
  IOLAUS_CHECK(sections > 0, "[tensor_split] expected at least one section, got {}", sections);
  const int d = wrap_dim("tensor_split", dim, x.dim());
  IOLAUS_CHECK(sections <= std::max<int64_t>(x.sizes()[d], 65536),
               "[tensor_split] {} sections of {} elements are too many", sections, x.sizes()[d]);
  const int64_t size = x.sizes()[d] / sections, larger = x.sizes()[d] % sections;
  Tensors parts;
  for (int64_t i = 0, at = 0; i < sections; ++i) {
    const int64_t own = size + (i < larger ? 1 : 0);
    parts.push_back(narrow(x, d, at, own));
    at += own;
  }
  return parts;
}

Tensors tensor_split(const Tensor& x, const Dims& indices, int64_t dim) {
  IOLAUS_CHECK(x.dim() > 0, "[tensor_split] expected at least one dimension, got {}", x.describe());
  const int d = wrap_dim("tensor_split", dim, x.dim());
  Tensors parts;
  int64_t start = 0;
  for (int64_t end : indices) {
    parts.push_back(slice(x, d, start, end));
    start = end;
  }
  parts.push_back(slice(x, d, start, x.sizes()[d]));
  return parts;
}

Tensors atleast(const Tensors& tensors, int64_t rank) {
  Tensors out;
  for (const Tensor& x : tensors) out.push_back(with_rank(x, rank));
  return out;
}

Tensor hstack(const Tensors& tensors) {
  IOLAUS_CHECK(!tensors.empty(), "[hstack] expected at least one tensor");
  const Tensors rows = atleast(tensors, 1);
  return cat(rows, rows[0].dim() == 1 ? 0 : 1);
}
Tensor vstack(const Tensors& tensors) {
  IOLAUS_CHECK(!tensors.empty(), "[vstack] expected at least one tensor");
  return cat(atleast(tensors, 2), 0);
}
Tensor dstack(const Tensors& tensors) {
  IOLAUS_CHECK(!tensors.empty(), "[dstack] expected at least one tensor");
  return cat(atleast(tensors, 3), 2);
}

Tensor rot90(const Tensor& x, int64_t k, const Dims& dims) {
  IOLAUS_CHECK(dims.size() == 2 && x.dim() >= 2,
               "[rot90] expected two dimensions to turn, got {} of {}", dims.str(), x.describe());
  const int a = wrap_dim("rot90", dims[0], x.dim()), b = wrap_dim("rot90", dims[1], x.dim());
  IOLAUS_CHECK(a != b, "[rot90] expected two different dimensions, got {}", dims.str());
  const int64_t turns = ((k % 4) + 4) % 4;
  if (turns == 0) return clone(x);
  if (turns == 2) return flip(x, {a, b});
  return turns == 1 ? transpose(flip(x, {b}), a, b) : transpose(flip(x, {a}), a, b);
}

Tensor kron(const Tensor& a, const Tensor& b) {
  const int64_t rank = std::max(a.dim(), b.dim());
  Dims left, right, sizes;  // (a0, 1, a1, 1), (1, b0, 1, b1), (a0 b0, a1 b1)
  for (int64_t d = 0; d < rank; ++d) {
    const int64_t in_a = d - (rank - a.dim()), in_b = d - (rank - b.dim());
    const int64_t m = in_a < 0 ? 1 : a.sizes()[in_a], n = in_b < 0 ? 1 : b.sizes()[in_b];
    left.push_back(m), left.push_back(1);
    right.push_back(1), right.push_back(n);
    int64_t product = 0;
    IOLAUS_CHECK(!__builtin_mul_overflow(m, n, &product),
                 "[kron] {} and {} make too large a result", a.describe(), b.describe());
    sizes.push_back(product);
  }
  return reshape(mul(reshape(a, left), reshape(b, right)), sizes);
}

Tensor block_diag(const Tensors& tensors) {
  IOLAUS_CHECK(!tensors.empty(), "[block_diag] expected at least one tensor");
  int64_t columns = 0;
  DType dtype = tensors[0].dtype();
  for (const Tensor& x : tensors) {
    IOLAUS_CHECK(x.dim() <= 2, "[block_diag] expected matrices, got {}", x.describe());
    columns += with_rank(x, 2).size(1);
    dtype = promote_types(dtype, x.dtype());
  }
  Tensors rows;
  int64_t before = 0;
  for (const Tensor& x : tensors) {
    const Tensor block = to(with_rank(x, 2), dtype);
    rows.push_back(pad(block, {before, columns - before - block.size(1)}));
    before += block.size(1);
  }
  return cat(rows, 0);
}

Tensor diag(const Tensor& x, int64_t diagonal) {
  IOLAUS_CHECK(x.dim() == 1 || x.dim() == 2, "[diag] expected a vector or a matrix, got {}",
               x.describe());
  return x.dim() == 1 ? diag_embed(x, diagonal) : iolaus::diagonal(x, diagonal);
}

Tensor diff(const Tensor& x, int64_t n, int64_t dim, const Tensor& prepend, const Tensor& append) {
  IOLAUS_CHECK(x.dim() >= 1, "[diff] expected at least one dimension, got {}", x.describe());
  IOLAUS_CHECK(n >= 0, "[diff] expected an order >= 0, got {}", n);
  const int d = wrap_dim("diff", dim, x.dim());
  if (n == 0) return clone(x);
  const auto end = [&](const Tensor& part) {
    if (part.dim() > 0) return part;
    Dims sizes = x.sizes();
    sizes[static_cast<size_t>(d)] = 1;
    return expand(part, sizes);
  };
  Tensors all;
  if (prepend.defined()) all.push_back(end(prepend));
  all.push_back(x);
  if (append.defined()) all.push_back(end(append));
  Tensor out = all.size() == 1 ? x : cat(all, d);
  for (int64_t i = 0; i < n && out.sizes()[d] > 0; ++i) {
    const int64_t rest = out.sizes()[d] - 1;
    const Tensor later = narrow(out, d, 1, rest), earlier = narrow(out, d, 0, rest);
    out = x.dtype() == kBool ? logical_xor(later, earlier) : sub(later, earlier);
  }
  return out;
}

Tensors broadcast_tensors(const Tensors& tensors) {
  Dims sizes;
  for (const Tensor& x : tensors) sizes = broadcast_shapes("broadcast_tensors", sizes, x.sizes());
  Tensors out;
  for (const Tensor& x : tensors) out.push_back(expand(x, sizes));
  return out;
}

Tensor take(const Tensor& x, const Tensor& index) {
  IOLAUS_CHECK_CODE(index.dtype() == kInt64, ErrorCode::kType,
                    "[take] expected an index of dtype int64, got {}", index.describe());
  if (index.numel() > 0 && x.numel() == 0) {
    fail(ErrorCode::kIndex, "[take] expected elements to take from, got {}", x.describe());
  }
  if (index.numel() == 0) return empty(index.sizes(), x.options());
  return iolaus::index(reshape(x, {-1}), {index});
}

Tensor select_scatter(const Tensor& x, const Tensor& source, int64_t dim, int64_t index) {
  return written("select_scatter", x, select(numbers_of(x), dim, index), source);
}

Tensor slice_scatter(const Tensor& x, const Tensor& source, int64_t dim,
                     std::optional<int64_t> start, std::optional<int64_t> end, int64_t step) {
  const int d = wrap_dim("slice_scatter", dim, x.dim());
  const Tensor part = slice(numbers_of(x), d, start.value_or(0), end.value_or(x.size(d)), step);
  return written("slice_scatter", x, part, source);
}

Tensor diagonal_scatter(const Tensor& x, const Tensor& source, int64_t offset, int64_t dim1,
                        int64_t dim2) {
  return written("diagonal_scatter", x, diagonal(numbers_of(x), offset, dim1, dim2), source);
}

}  // namespace iolaus
