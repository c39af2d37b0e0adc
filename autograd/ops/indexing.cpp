// gather, scatter, index_select and index_add. The gradient of each is another of them, so they are
// differentiable any number of times.
#include "autograd/ops/indexing.h"

#include "autograd/autocast.h"
#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing_common.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "core/views.h"
#include "kernels/copy/copy.h"

namespace iolaus {
namespace detail {

Tensor int64_index(const char* op, const Tensor& x, const Tensor& index) {
  IOLAUS_CHECK_CODE(index.dtype() == kInt64 || index.dtype() == kInt32, ErrorCode::kType,
                    "[{}] expected an index of dtype int64 or int32, got {}", op, index.describe());
  IOLAUS_CHECK(index.device() == x.device(), "[{}] expected an index on {}, got {}", op,
               x.device().str(), index.describe());
  return to(index, kInt64).detach();
}

void check_index_shape(const char* op, const Tensor& x, int dim, const Tensor& index) {
  if (index.numel() == 0) return;
  IOLAUS_CHECK(std::max<int64_t>(x.dim(), 1) == std::max<int64_t>(index.dim(), 1),
               "[{}] expected an index of as many dimensions as the input {}, got {}", op,
               x.sizes().str(), index.sizes().str());
  for (int d = 0; d < index.dim(); ++d) {
    if (d == dim) continue;
    IOLAUS_CHECK(index.size(d) <= x.size(d),
                 "[{}] expected an index no larger than the input {} apart from dimension {}, got "
                 "{}",
                 op, x.sizes().str(), dim, index.sizes().str());
  }
}

Dims three_sizes(const Tensor& x, int dim) {
  Dims three{1, x.dim() == 0 ? 1 : x.size(dim), 1};
  for (int d = 0; d < x.dim(); ++d) {
    if (d != dim) three[d < dim ? 0 : 2] *= x.size(d);
  }
  return three;
}

Tensor as_three(const Tensor& x, int dim) {
  const Dims three = three_sizes(x, dim);
  if (const auto seen = views::try_view(x, three)) return *seen;
  return views::view(make_contiguous(x), three);
}

Tensor narrow_to(const Tensor& x, const Dims& sizes, int dim) {
  Tensor out = x;
  for (int d = 0; d < x.dim(); ++d) {
    if (d != dim && sizes[d] != x.size(d)) out = views::narrow(out, d, 0, sizes[d]);
  }
  return out;
}

Tensor repeat_index(const Tensor& index, const Dims& three) {
  const Tensor dense = make_contiguous(index);
  return views::expand(views::view(dense, {1, dense.numel(), 1}), three);
}

Tensor scatter_into_copy(const char* op, const Tensor& x, int dim, const Tensor& index,
                         const Tensor& src, ScatterReduce reduce, bool include_self) {
  Tensor out;
  if ((is_destination(x) || !overwritten(x)) && !overwritten(src) && !overwritten(index)) {
    out = claim(op, x.sizes(), x.dtype(), x.device());
  }
  if (!out.defined()) out = empty(x.sizes(), x.options());
  if (out.storage() != x.storage()) copy(x, out);
  if (index.numel() == 0) return out;
  // The kernel wants its output whole: a part that the index does not reach is left out and in.
  const Tensor part = x.dim() == 0 ? out : narrow_to(out, index.sizes(), dim);
  const Tensor dense = make_contiguous(part);
  scatter_kernels()(
      {as_three(index, dim), as_three(src, dim), as_three(dense, dim), reduce, include_self, op});
  if (!dense.is_same(part)) copy(dense, part);
  return out;
}

// The form's destination, contiguous, for a kernel that reads the index and src while it writes; x
// is read before, or is the destination itself.
static Tensor claim_rows(const char* op, const Dims& sizes, const Tensor& x, const Tensor& index,
                         const Tensor& src) {
  const bool possible = t_destination != nullptr && t_destination->out->is_contiguous() &&
                        !overwritten(index) && !overwritten(src) &&
                        (is_destination(x) || !overwritten(x));
  return possible ? claim(op, sizes, x.dtype(), x.device()) : Tensor();
}

void check_src(const char* op, const Tensor& x, const Tensor& index, const Tensor& src) {
  IOLAUS_CHECK_CODE(src.dtype() == x.dtype(), ErrorCode::kType,
                    "[{}] expected src of the input's dtype {}, got {}", op, dtype_name(x.dtype()),
                    src.describe());
  IOLAUS_CHECK(src.device() == x.device(), "[{}] expected src on {}, got {}", op, x.device().str(),
               src.describe());
  if (index.numel() == 0) return;
  bool fits = std::max<int64_t>(src.dim(), 1) == std::max<int64_t>(index.dim(), 1);
  for (int d = 0; fits && d < std::min(index.dim(), src.dim()); ++d) {
    fits = index.size(d) <= src.size(d);
  }
  IOLAUS_CHECK(fits, "[{}] expected src of at least the index's shape {}, got {}", op,
               index.sizes().str(), src.sizes().str());
}

// The part of src that the index reaches.
Tensor reached(const char* op, const Tensor& x, const Tensor& index, const Tensor& src) {
  check_src(op, x, index, src);
  Tensor out = src;
  for (int d = 0; d < std::min(index.dim(), src.dim()); ++d) {
    if (index.size(d) != src.size(d)) out = narrow(out, d, 0, index.size(d));
  }
  return out;
}

}  // namespace detail

namespace {

using detail::as_three;
using detail::check_src;
using detail::int64_index;
using detail::reached;
using detail::three_sizes;

// Zeros of this shape that take no memory: what is copied from them is filled.
Tensor zeros_view(const Dims& sizes, const Tensor& like) {
  return views::expand(scalar_tensor(0, like.options()), sizes);
}

Tensor gather_values(const char* op, const Tensor& x, int dim, const Tensor& index) {
  Tensor out = detail::claim_rows(op, index.sizes(), x, index, x);
  if (!out.defined()) out = empty(index.sizes(), x.options());
  if (index.numel() == 0) return out;
  const Tensor from = x.dim() == 0 ? x : detail::narrow_to(x, index.sizes(), dim);
  gather_kernels()({as_three(from, dim), as_three(index, dim), as_three(out, dim), op});
  return out;
}

Tensor gather_along(const char* op, const Tensor& x, int dim, const Tensor& index) {
  Tensor out = gather_values(op, x, dim, index);
  if (needs_grad(x)) {
    record(op, out, edges(x),
           [index = save(index), dim, sizes = x.sizes()](const Node& n, const Tensor& g) {
             return scatter_add(zeros_view(sizes, g), dim, index(n), g);
           });
  }
  return out;
}

// index_select and index_add, on (O, n, I).
// into, where it is defined: contiguous memory for the result, of any shape.
Tensor add_rows(const Tensor& x, const Tensor& index, const Tensor& source,
                const Tensor& into = {});
Tensor select_rows(const Tensor& x, const Tensor& index, const Tensor& into = {}) {
  const Dims sizes{x.sizes()[0], index.numel(), x.sizes()[2]};
  Tensor out = into.defined() ? views::view(into, sizes) : empty(sizes, x.options());
  if (out.numel() > 0) {
    gather_kernels()({x, detail::repeat_index(index, sizes), out, "index_select"});
  }
  if (needs_grad(x)) {
    record("index_select", out, edges(x),
           [index = save(index), sizes = x.sizes()](const Node& n, const Tensor& g) {
             return add_rows(zeros_view(sizes, g), index(n), g);
           });
  }
  return out;
}
Tensor add_rows(const Tensor& x, const Tensor& index, const Tensor& source, const Tensor& into) {
  Tensor out = into.defined() ? views::view(into, x.sizes()) : empty(x.sizes(), x.options());
  if (out.storage() != x.storage()) copy(x, out);
  if (source.numel() > 0) {
    scatter_kernels()({detail::repeat_index(index, source.sizes()), source, out,
                       ScatterReduce::kSum, true, "index_add"});
  }
  if (needs_grad(x, source)) {
    record("index_add", out, edges(x, source),
           [index = save(index)](const Node& n, const Tensor& g) {
             return std::array{n.needs(0) ? g : Tensor(),
                               n.needs(1) ? select_rows(g, index(n)) : Tensor()};
           });
  }
  return out;
}

Tensor vector_index(const char* op, const Tensor& x, const Tensor& index) {
  IOLAUS_CHECK_CODE(index.dim() <= 1, ErrorCode::kIndex,
                    "[{}] expected an index of one dimension, got {}", op, index.describe());
  return reshape(int64_index(op, x, index), {index.numel()});
}

// Negative indices count from the end.
Tensor from_front(const Tensor& index, int64_t size) {
  const bool known = index.device().is_cpu() && index.numel() > 0;
  if (known && amin(index).item<int64_t>() >= 0) return index;
  return where(lt(index, 0), add(index, size), index);
}

std::vector<OpSample> gather_samples() {
  const Tensor index = from_values<int64_t>({0, 2, 1, 1, 0, 2, 2, 2}, {2, 4});
  return {{"last",
           {sample64({2, 3}, 1)},
           [=](const Tensors& t) { return gather(t[0], 1, to(index, t[0].device())); }},
          {"first, squared",
           {sample64({3, 4}, 2)},
           [=](const Tensors& t) { return square(gather(t[0], 0, to(index, t[0].device()))); }},
          {"smaller", {sample64({3, 5}, 3)}, [=](const Tensors& t) {
             return square(gather(t[0], -1, to(index, t[0].device())));
           }}};
}
std::vector<OpSample> scatter_samples() {
  const Tensor index = from_values<int64_t>({0, 2, 1, 3, 0, 2}, {2, 3});
  return {
      {"src",
       {sample64({2, 4}, 1), sample64({2, 3}, 2)},
       [=](const Tensors& t) { return square(scatter(t[0], 1, to(index, t[0].device()), t[1])); }},
      {"larger src",
       {sample64({3, 4}, 3), sample64({2, 5}, 4)},
       [=](const Tensors& t) { return square(scatter(t[0], -1, to(index, t[0].device()), t[1])); }},
      {"value", {sample64({3, 4}, 5)}, [=](const Tensors& t) {
         return square(scatter(t[0], 1, to(index, t[0].device()), 1.5));
       }}};
}
std::vector<OpSample> scatter_add_samples() {
  const Tensor index = from_values<int64_t>({0, 2, 1, 2, 0, 2}, {2, 3});
  return {{"last",
           {sample64({2, 3}, 1), sample64({2, 3}, 2)},
           [=](const Tensors& t) {
             return square(scatter_add(t[0], 1, to(index, t[0].device()), t[1]));
           }},
          {"first, larger src", {sample64({4, 5}, 3), sample64({3, 4}, 4)}, [=](const Tensors& t) {
             return square(scatter_add(t[0], 0, to(index, t[0].device()), t[1]));
           }}};
}
std::vector<OpSample> rows_samples(bool add) {
  const Tensor index = from_values<int64_t>({2, 0, 2, 1}, {4});
  std::vector<OpSample> samples;
  for (const int64_t dim : {0, 1, -1}) {
    const Dims sizes{3, 3, 3};
    Dims rows = sizes;
    rows[static_cast<size_t>(dim + 3) % 3] = 4;
    if (add) {
      samples.push_back({"rows", {sample64(sizes, 1), sample64(rows, 2)}, [=](const Tensors& t) {
                           return square(index_add(t[0], dim, to(index, t[0].device()), t[1], 0.5));
                         }});
    } else {
      samples.push_back({"rows", {sample64(sizes, 3)}, [=](const Tensors& t) {
                           return square(index_select(t[0], dim, to(index, t[0].device())));
                         }});
    }
  }
  return samples;
}
std::vector<OpSample> take_samples() {
  const Tensor index = from_values<int64_t>({2, 0, 1}, {1, 3});
  return {{"broadcast indices",
           {sample64({2, 3}, 1)},
           [=](const Tensors& t) { return take_along_dim(t[0], to(index, t[0].device()), 1); }},
          {"broadcast input",
           {sample64({3, 1}, 2)},
           [=](const Tensors& t) { return take_along_dim(t[0], to(index, t[0].device()), 0); }},
          {"flat", {sample64({2, 2}, 3)}, [=](const Tensors& t) {
             return square(take_along_dim(t[0], to(index, t[0].device())));
           }}};
}

const bool kRegistered = register_op({"gather", gather_samples}) &&
                         register_op({"scatter", scatter_samples}) &&
                         register_op({"scatter_add", scatter_add_samples}) &&
                         register_op({"index_select", [] { return rows_samples(false); }}) &&
                         register_op({"index_add", [] { return rows_samples(true); }}) &&
                         register_op({"take_along_dim", take_samples});

using WithSrc = Tensor (*)(const Tensor&, int64_t, const Tensor&, const Tensor&);
using WithValue = Tensor (*)(const Tensor&, int64_t, const Tensor&, Scalar);
const bool kBoxed =
    boxed("gather(Tensor input, int dim, Tensor index) -> Tensor", gather) &&
    boxed("scatter(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", WithSrc(scatter)) &&
    boxed("scatter(Tensor input, int dim, Tensor index, Scalar value) -> Tensor",
          WithValue(scatter)) &&
    boxed(
        "scatter(Tensor input, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor",
        +[](const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
            const std::string& reduce) {
          IOLAUS_CHECK(reduce == "add" || reduce == "multiply",
                       "[scatter] expected reduce 'add' or 'multiply', got '{}'", reduce);
          return scatter_reduce(x, dim, index, src, reduce == "add" ? "sum" : "prod");
        }) &&
    boxed(
        "scatter(Tensor input, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor",
        +[](const Tensor& x, int64_t dim, const Tensor& index, Scalar value,
            const std::string& reduce) {
          IOLAUS_CHECK(reduce == "add" || reduce == "multiply",
                       "[scatter] expected reduce 'add' or 'multiply', got '{}'", reduce);
          const Tensor src = views::expand(scalar_tensor(value, x.options()), index.sizes());
          return scatter_reduce(x, dim, index, src, reduce == "add" ? "sum" : "prod");
        }) &&
    boxed("scatter_add(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", scatter_add) &&
    boxed("index_select(Tensor input, int dim, Tensor index) -> Tensor", index_select) &&
    boxed(
        "index_add(Tensor input, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> "
        "Tensor",
        index_add) &&
    boxed(
        "take_along_dim(Tensor input, Tensor indices, int? dim=None) -> Tensor",
        +[](const Tensor& x, const Tensor& indices, std::optional<int64_t> dim) {
          return dim ? take_along_dim(x, indices, *dim) : take_along_dim(x, indices);
        });

}  // namespace

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  const int d = wrap_dim("gather", dim, x.dim());
  detail::check_index_shape("gather", x, d, index);
  // Without elements an index may have any dtype.
  const Tensor at = index.numel() == 0 ? to(index, kInt64) : index;
  return gather_along("gather", x, d, int64_index("gather", x, at));
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& whole_src) {
  const int d = wrap_dim("scatter", dim, x.dim());
  detail::check_index_shape("scatter", x, d, index);
  const Tensor src = reached("scatter", x, index, whole_src), at = int64_index("scatter", x, index);
  Tensor out = detail::scatter_into_copy("scatter", x, d, at, src, ScatterReduce::kAssign);
  if (needs_grad(x, src)) {
    record("scatter", out, edges(x, src), [index = save(at), d](const Node& n, const Tensor& g) {
      return std::array{n.needs(0) ? scatter(g, d, index(n), 0) : Tensor(),
                        n.needs(1) ? gather(g, d, index(n)) : Tensor()};
    });
  }
  return out;
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, Scalar value) {
  const int d = wrap_dim("scatter", dim, x.dim());
  detail::check_index_shape("scatter", x, d, index);
  const Tensor at = int64_index("scatter", x, index);
  const Tensor src = views::expand(scalar_tensor(value, x.options()), at.sizes());
  Tensor out = detail::scatter_into_copy("scatter", x, d, at, src, ScatterReduce::kAssign);
  if (needs_grad(x)) {
    record("scatter", out, edges(x), [index = save(at), d](const Node& n, const Tensor& g) {
      return scatter(g, d, index(n), 0);
    });
  }
  return out;
}

Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& whole_src) {
  if (autocast::on()) return autocast::call("scatter_add", scatter_add, x, dim, index, whole_src);
  const int d = wrap_dim("scatter_add", dim, x.dim());
  detail::check_index_shape("scatter_add", x, d, index);
  const Tensor src = reached("scatter_add", x, index, whole_src),
               at = int64_index("scatter_add", x, index);
  Tensor out = detail::scatter_into_copy("scatter_add", x, d, at, src, ScatterReduce::kSum);
  if (needs_grad(x, src)) {
    record("scatter_add", out, edges(x, src),
           [index = save(at), d](const Node& n, const Tensor& g) {
             return std::array{n.needs(0) ? g : Tensor(),
                               n.needs(1) ? gather(g, d, index(n)) : Tensor()};
           });
  }
  return out;
}

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  const int d = wrap_dim("index_select", dim, x.dim());
  const Tensor at = vector_index("index_select", x, index);
  Dims sizes = x.sizes();
  if (x.dim() > 0) sizes[d] = at.numel();
  const Tensor into = detail::claim_rows("index_select", sizes, x, at, x);
  return reshape(select_rows(reshape(x, three_sizes(x, d)), at, into), sizes);
}

Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha) {
  const int d = wrap_dim("index_add", dim, x.dim());
  const Tensor at = vector_index("index_add", x, index);
  check_src("index_add", x, empty({0}), source);
  Dims expected = x.sizes();
  if (x.dim() > 0) expected[d] = at.numel();
  IOLAUS_CHECK(source.sizes() == expected,
               "[index_add] expected a source {} for input {} and {} indices, got {}",
               expected.str(), x.sizes().str(), at.numel(), source.sizes().str());
  const Tensor scaled = alpha.to<double>() == 1 ? source : to(source * alpha, x.dtype());
  const Tensor into = detail::claim_rows("index_add", x.sizes(), x, at, scaled);
  return reshape(
      add_rows(reshape(x, three_sizes(x, d)), at, reshape(scaled, three_sizes(scaled, d)), into),
      x.sizes());
}

Tensor take_along_dim(const Tensor& x, const Tensor& indices, int64_t dim) {
  const int d = wrap_dim("take_along_dim", dim, x.dim());
  IOLAUS_CHECK(x.dim() == indices.dim(),
               "[take_along_dim] expected indices of as many dimensions as the input {}, got {}",
               x.sizes().str(), indices.sizes().str());
  if (x.dim() == 0) return gather(x, d, indices);
  Dims own = x.sizes(), others = indices.sizes();
  own[d] = others[d] = 1;
  Dims common = broadcast_shapes("take_along_dim", own, others);
  Dims wide = common;
  wide[d] = x.size(d), common[d] = indices.size(d);
  const Tensor places = from_front(int64_index("take_along_dim", x, indices), x.size(d));
  return gather_along("take_along_dim", expand(x, wide), d, views::expand(places, common));
}
Tensor take_along_dim(const Tensor& x, const Tensor& indices) {
  const Tensor places = from_front(int64_index("take_along_dim", x, indices), x.numel());
  return gather_along("take_along_dim", reshape(x, {x.numel()}), 0,
                      reshape(places, {indices.numel()}));
}

}  // namespace iolaus
