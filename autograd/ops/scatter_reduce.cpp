// scatter_reduce: scatter with a reduction. Its gradients are those of PyTorch: a mean is shared by
// all that arrived, an extreme value by those that are equal to it, and a product leaves one factor
// out (also where a single factor is zero).
#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing_common.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"

namespace iolaus {
namespace {

using Grads = std::array<Tensor, 2>;  // of x and src

struct Problem {
  const char* reduce;
  int dim;
  bool include_self;
};

Tensor combine(const Tensor& x, const Problem& p, const Tensor& index, const Tensor& src) {
  return scatter_reduce(x, p.dim, index, src, p.reduce, p.include_self);
}
Tensor replace_where(const Tensor& mask, const Tensor& x, double value) {
  return where(mask, full_like(x.detach(), value), x);
}

Grads mean_gradient(const Problem& p, const Tensor& index, const Tensor& g) {
  const Tensor ones = full(index.sizes(), 1.0, g.options());
  Tensor count = p.include_self ? ones_like(g.detach()) : zeros_like(g.detach());
  count = scatter_add(count, p.dim, index, ones);
  count = replace_where(eq(count, 0), count, 1);
  const Tensor shared = g / count;
  return {shared, gather(shared, p.dim, index)};
}

Grads extreme_gradient(const Problem& p, const Tensor& index, const Tensor& g, const Tensor& x,
                       const Tensor& src, const Tensor& out) {
  const Tensor value = gather(out.detach(), p.dim, index);
  const Tensor self_hit = to(eq(x.detach(), out.detach()), g.dtype());
  const Tensor src_hit = to(eq(src.detach(), value), g.dtype());
  const Tensor hits = scatter_add(self_hit, p.dim, index, src_hit);
  const Tensor shared = g / replace_where(eq(hits, 0), hits, 1);
  return {self_hit * shared, src_hit * gather(shared, p.dim, index)};
}

Grads product_gradient(const Problem& p, const Tensor& index, const Tensor& g, const Tensor& x,
                       const Tensor& src, const Tensor& out) {
  const Tensor x_without_zero = replace_where(eq(x.detach(), 0), x, 1);
  const Tensor dx = g * combine(x_without_zero, p, index, src) / x_without_zero;
  const Tensor src_zero = eq(src.detach(), 0), ones = to(src_zero, g.dtype());
  const Tensor zeros_there =
      gather(scatter_add(zeros_like(g.detach()), p.dim, index, ones), p.dim, index);
  const Tensor only_zero = src_zero & eq(zeros_there, 1);
  const Tensor others = combine(x, p, index, replace_where(only_zero, src, 1));
  const Tensor usual = gather(g * out, p.dim, index) / replace_where(src_zero, src, 1);
  return {dx, where(only_zero, gather(g * others, p.dim, index), usual)};
}

Grads gradient(const Problem& p, const Tensor& index, const Tensor& g, const Tensor& x,
               const Tensor& src, const Tensor& out) {
  const std::string_view reduce = p.reduce;
  Grads grads;
  if (reduce == "sum") {
    grads = {g, gather(g, p.dim, index)};
  } else if (reduce == "mean") {
    grads = mean_gradient(p, index, g);
  } else if (reduce == "prod") {
    grads = product_gradient(p, index, g, x, src, out);
  } else {
    grads = extreme_gradient(p, index, g, x, src, out);
  }
  if (!p.include_self) grads[0] = scatter(grads[0], p.dim, index, 0.0);
  return grads;
}

ScatterReduce parse(const std::string& reduce) {
  using enum ScatterReduce;
  for (const ScatterReduce r : {kSum, kProd, kMean, kAmax, kAmin}) {
    if (reduce == scatter_reduce_name(r)) return r;
  }
  fail(ErrorCode::kInvalidArgument,
       "[scatter_reduce] expected reduce sum, prod, mean, amax or amin, got '{}'", reduce);
}

std::vector<OpSample> samples() {
  const Tensor index = from_values<int64_t>({0, 2, 2, 0, 1, 1, 1, 2}, {2, 4});
  std::vector<OpSample> all;
  for (const char* reduce : {"sum", "prod", "mean", "amax", "amin"}) {
    for (const bool include_self : {true, false}) {
      all.push_back({std::string(reduce) + (include_self ? "" : " without self"),
                     {sample64({3, 4}, 1, 0.5, 2), sample64({3, 5}, 2, 0.5, 2)},
                     [=](const Tensors& t) {
                       return square(scatter_reduce(t[0], 0, to(index, t[0].device()), t[1], reduce,
                                                    include_self));
                     }});
    }
  }
  return all;
}
const bool kRegistered = register_op({"scatter_reduce", samples});

const bool kBoxed = boxed(
    "scatter_reduce(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, "
    "bool include_self=True) -> Tensor",
    scatter_reduce);

}  // namespace

Tensor scatter_reduce(const Tensor& input, int64_t dim, const Tensor& index,
                      const Tensor& whole_src, const std::string& reduce, bool include_self) {
  const ScatterReduce kind = parse(reduce);
  const int d = wrap_dim("scatter_reduce", dim, input.dim());
  const Tensor x = needs_grad(input, whole_src) ? detail::kept(input) : input;
  detail::check_index_shape("scatter_reduce", x, d, index);
  const Tensor src = detail::reached("scatter_reduce", x, index, whole_src);
  const Tensor at = detail::int64_index("scatter_reduce", x, index);
  Tensor out = detail::scatter_into_copy("scatter_reduce", x, d, at, src, kind, include_self);
  if (needs_grad(x, src)) {
    const Problem p{scatter_reduce_name(kind), d, include_self};
    record("scatter_reduce", out, edges(x, src),
           [p, index = save(at), x = save(x), src = save(src), out = save_output(out)](
               const Node& n, const Tensor& g) {
             return gradient(p, index(n), g, x(n), src(n), out(n));
           });
  }
  return out;
}

}  // namespace iolaus
