// Products that are matmul in another form.
#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"
#include "autograd/ops/widen.h"
#include "autograd/record.h"

namespace iolaus {
namespace {

void check_rank(const char* op, const Tensor& x, int64_t rank) {
  IOLAUS_CHECK(x.dim() == rank, "[{}] expected {} dimension(s), got {}", op, rank, x.describe());
}

using Mixed = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, double, double);
const bool kBoxed =
    boxed(
        "baddbmm(Tensor input, Tensor batch1, Tensor batch2, *, float beta=1, float alpha=1) -> "
        "Tensor",
        baddbmm) &&
    boxed(
        "addbmm(Tensor input, Tensor batch1, Tensor batch2, *, float beta=1, float alpha=1) -> "
        "Tensor",
        addbmm) &&
    boxed("addmv(Tensor input, Tensor mat, Tensor vec, *, float beta=1, float alpha=1) -> Tensor",
          addmv) &&
    boxed("addr(Tensor input, Tensor vec1, Tensor vec2, *, float beta=1, float alpha=1) -> Tensor",
          addr) &&
    boxed("dot(Tensor input, Tensor tensor) -> Tensor", dot) &&
    boxed("outer(Tensor input, Tensor vec2) -> Tensor", outer) &&
    boxed("mv(Tensor input, Tensor vec) -> Tensor", mv) &&
    boxed("inner(Tensor input, Tensor other) -> Tensor", inner) &&
    boxed("trace(Tensor input) -> Tensor", trace) &&
    boxed("tensordot(Tensor input, Tensor other, int[] dims_self, int[] dims_other) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, const Tensor&, const Dims&, const Dims&)>(
              tensordot)) &&
    boxed("tensordot(Tensor input, Tensor other, int dims=2) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, const Tensor&, int64_t)>(tensordot)) &&
    boxed("cross(Tensor input, Tensor other, *, int dim=-1) -> Tensor", cross) &&
    boxed(
        "cross(Tensor input, Tensor other, int? dim=None) -> Tensor",
        +[](const Tensor& a, const Tensor& b, std::optional<int64_t> dim) {
          if (dim) return cross(a, b, *dim);
          int64_t first = 0;  // torch.cross takes the first dimension of size 3
          while (first < a.dim() && a.sizes()[static_cast<size_t>(first)] != 3) ++first;
          IOLAUS_CHECK(first < a.dim(), "[cross] expected a dimension of size 3, got {}",
                       a.describe());
          return cross(a, b, first);
        }) &&
    boxed("bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor",
          bilinear);

bool add_mixed(const char* op, Mixed fn, const Dims& c, const Dims& a, const Dims& b) {
  return register_op({op, [=] {
                        return std::vector<OpSample>{
                            {"sample",
                             {sample64(c, 1), sample64(a, 2), sample64(b, 3)},
                             [fn](const Tensors& x) { return fn(x[0], x[1], x[2], 0.5, 2); }}};
                      }});
}
bool add_two(const char* op, Tensor (*fn)(const Tensor&, const Tensor&), const Dims& a,
             const Dims& b) {
  return register_op({op, [=] {
                        return std::vector<OpSample>{
                            {"sample", {sample64(a, 1), sample64(b, 2)}, [fn](const Tensors& x) {
                               return fn(x[0], x[1]);
                             }}};
                      }});
}
const bool kSamples =
    add_mixed("baddbmm", baddbmm, {2, 1, 4}, {2, 2, 3}, {2, 3, 4}) &&
    add_mixed("addbmm", addbmm, {2, 4}, {2, 2, 3}, {2, 3, 4}) &&
    add_mixed("addmv", addmv, {2}, {2, 3}, {3}) && add_mixed("addr", addr, {2, 3}, {2}, {3}) &&
    add_two("tensordot",
            [](const Tensor& a, const Tensor& b) {
              return tensordot(a, b, {2, 0}, {0, 1});
            },
            {3, 2, 4}, {4, 3, 2}) &&
    add_two("dot", dot, {3}, {3}) && add_two("outer", outer, {3}, {2}) &&
    add_two("mv", mv, {2, 3}, {3}) && add_two("inner", inner, {2, 3}, {4, 3}) &&
    add_two("cross", [](const Tensor& a, const Tensor& b) { return cross(a, b); }, {2, 3},
            {2, 3}) &&
    register_op({"trace", [] {
                   return std::vector<OpSample>{{"sample",
                                                 {sample64({3, 4}, 1)},
                                                 [](const Tensors& x) { return trace(x[0]); }}};
                 }});

}  // namespace

// The sum over the batch is one product, of the matrices side by side.
Tensor addbmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta, double alpha) {
  if (autocast::on()) return autocast::call("addbmm", addbmm, c, a, b, beta, alpha);
  IOLAUS_CHECK(
      a.dim() == 3 && b.dim() == 3 && a.sizes()[0] == b.sizes()[0] && a.sizes()[2] == b.sizes()[1],
      "[addbmm] expected two batches of as many matrices that fit, got {} and {}", a.describe(),
      b.describe());
  const int64_t inner = a.sizes()[0] * a.sizes()[2];
  return addmm(c, reshape(transpose(a, 0, 1), {a.sizes()[1], inner}),
               reshape(b, {inner, b.sizes()[2]}), beta, alpha);
}

Tensor addmv(const Tensor& c, const Tensor& a, const Tensor& x, double beta, double alpha) {
  if (autocast::on()) return autocast::call("addmv", addmv, c, a, x, beta, alpha);
  check_rank("addmv", a, 2);
  check_rank("addmv", x, 1);
  const Tensor column = c.dim() == 0 ? c : unsqueeze(c, 1);
  return squeeze(addmm(column, a, unsqueeze(x, 1), beta, alpha), 1);
}

Tensor addr(const Tensor& c, const Tensor& x, const Tensor& y, double beta, double alpha) {
  if (autocast::on()) return autocast::call("addr", addr, c, x, y, beta, alpha);
  check_rank("addr", x, 1);
  check_rank("addr", y, 1);
  if (c.dtype() == kBool && x.dtype() == kBool && y.dtype() == kBool) {
    const Tensor product = outer(x, y);
    const Tensor scaled = alpha != 0 ? product : zeros_like(product);
    return beta != 0 ? logical_or(c, scaled) : scaled;
  }
  return addmm(c, unsqueeze(x, 1), unsqueeze(y, 0), beta, alpha);
}

Tensor dot(const Tensor& x, const Tensor& y) {
  if (autocast::on()) return autocast::call("dot", dot, x, y);
  check_rank("dot", x, 1);
  check_rank("dot", y, 1);
  IOLAUS_CHECK(x.numel() == y.numel(), "[dot] expected vectors of one length, got {} and {}",
               x.describe(), y.describe());
  return matmul(x, y);
}

Tensor tensordot(const Tensor& a, const Tensor& b, const Dims& dims_a, const Dims& dims_b) {
  IOLAUS_CHECK(dims_a.size() == dims_b.size(),
               "[tensordot] expected as many dimensions of either, got {} and {}", dims_a.str(),
               dims_b.str());
  IOLAUS_CHECK_CODE(a.dtype() == b.dtype(), ErrorCode::kType,
                    "[tensordot] expected operands of one dtype, got {} and {}", a.describe(),
                    b.describe());
  Tensor x = a, y = b;
  Dims order_a, order_b, sizes;
  uint32_t seen_a = 0, seen_b = 0;
  int64_t shared = 1, rows = 1, columns = 1;
  for (size_t i = 0; i < dims_a.size(); ++i) {
    const int da = wrap_dim("tensordot", dims_a[i], a.dim());
    const int db = wrap_dim("tensordot", dims_b[i], b.dim());
    IOLAUS_CHECK((seen_a >> da & 1u) == 0 && (seen_b >> db & 1u) == 0,
                 "[tensordot] a dimension is repeated in {} or {}", dims_a.str(), dims_b.str());
    IOLAUS_CHECK(a.size(da) == b.size(db) || a.size(da) == 1 || b.size(db) == 1,
                 "[tensordot] dimension {} of {} and {} of {} do not have one size", da,
                 a.describe(), db, b.describe());
    if (a.size(da) != 1 && b.size(db) == 1) x = sum(x, {da}, true);  // one number for all
    if (a.size(da) == 1 && b.size(db) != 1) y = sum(y, {db}, true);
    seen_a |= 1u << da;
    seen_b |= 1u << db;
    order_b.push_back(db);
    shared *= a.size(da) == 1 || b.size(db) == 1 ? 1 : a.size(da);
  }
  for (int64_t d = 0; d < a.dim(); ++d) {
    if (seen_a >> d & 1u) continue;
    order_a.push_back(d);
    sizes.push_back(a.size(d));
    rows *= a.size(d);
  }
  for (int64_t d : dims_a) order_a.push_back(wrap_dim("tensordot", d, a.dim()));
  for (int64_t d = 0; d < b.dim(); ++d) {
    if (seen_b >> d & 1u) continue;
    order_b.push_back(d);
    sizes.push_back(b.size(d));
    columns *= b.size(d);
  }
  const Tensor left = reshape(permute(x, order_a), {rows, shared});
  return reshape(matmul(left, reshape(permute(y, order_b), {shared, columns})), sizes);
}

Tensor tensordot(const Tensor& a, const Tensor& b, int64_t n) {
  IOLAUS_CHECK(n >= 0 && n <= a.dim() && n <= b.dim(),
               "[tensordot] expected dims of 0 to the rank of {} and {}, got {}", a.describe(),
               b.describe(), n);
  Dims last, first;
  for (int64_t i = 0; i < n; ++i) {
    last.push_back(a.dim() - n + i);
    first.push_back(i);
  }
  return tensordot(a, b, last, first);
}

Tensor outer(const Tensor& x, const Tensor& y) {
  check_rank("outer", x, 1);
  check_rank("outer", y, 1);
  return mul(unsqueeze(x, 1), y);
}

Tensor mv(const Tensor& a, const Tensor& x) {
  if (autocast::on()) return autocast::call("mv", mv, a, x);
  check_rank("mv", a, 2);
  check_rank("mv", x, 1);
  return matmul(a, x);
}

Tensor inner(const Tensor& a, const Tensor& b) {
  if (a.dim() == 0 || b.dim() == 0) return mul(a, b);
  IOLAUS_CHECK(a.size(-1) == b.size(-1),
               "[inner] expected last dimensions of one size, got {} and {}", a.describe(),
               b.describe());
  const Dims &sa = a.sizes(), &sb = b.sizes();
  const int64_t n = sa.back();
  Dims sizes(sa.data(), sa.size() - 1);
  for (size_t i = 0; i + 1 < sb.size(); ++i) sizes.push_back(sb[i]);
  const auto rows = [n](const Tensor& x) {
    Dims flat = x.sizes();
    int64_t count = 1;
    for (size_t i = 0; i + 1 < flat.size(); ++i) count *= flat[i];
    return reshape(x, {count, n});
  };
  return reshape(mm(rows(a), transpose(rows(b), 0, 1)), sizes);
}

Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight, const Tensor& bias) {
  if (autocast::on()) return autocast::call("bilinear", bilinear, x1, x2, weight, bias);
  check_rank("bilinear", weight, 3);
  IOLAUS_CHECK(x1.dim() > 0 && x1.dim() == x2.dim() && x1.size(-1) == weight.sizes()[1] &&
                   x2.size(-1) == weight.sizes()[2],
               "[bilinear] expected (..., I), (..., J) and (O, I, J), got {}, {} and {}",
               x1.describe(), x2.describe(), weight.describe());
  const Tensor out = einsum("...i,oij,...j->...o", {widened(x1), widened(weight), widened(x2)});
  return to(bias.defined() ? add(out, widened(bias)) : out, x1.dtype());
}

Tensor cross(const Tensor& a, const Tensor& b, int64_t dim) {
  if (autocast::on()) return autocast::call("cross", cross, a, b, dim);
  const Dims sizes = broadcast_shapes("cross", a.sizes(), b.sizes());
  const int64_t d = wrap_dim("cross", dim, sizes.rank());
  IOLAUS_CHECK(a.dim() == b.dim() && a.dim() > 0 && a.size(d) == 3 && b.size(d) == 3,
               "[cross] expected vectors of size 3 along dimension {}, got {} and {}", d,
               a.describe(), b.describe());
  return sub(mul(roll(a, {-1}, {d}), roll(b, {-2}, {d})),
             mul(roll(a, {-2}, {d}), roll(b, {-1}, {d})));
}

Tensor trace(const Tensor& a) {
  check_rank("trace", a, 2);
  return sum(diagonal(a));
}

}  // namespace iolaus
