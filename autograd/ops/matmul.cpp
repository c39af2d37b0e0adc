// Products of matrices. The gradient of a product is two products; operands that were broadcast get
// the sum over what they were broadcast to. Transposes are views that the kernel reads as they are.
#include "autograd/ops/matmul.h"

#include "autograd/autocast.h"
#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "core/views.h"
#include "kernels/copy/copy.h"
#include "kernels/matmul/matmul.h"

namespace iolaus {
namespace {

void check_kinds(const char* op, const Tensor& a, const Tensor& b) {
  IOLAUS_CHECK_CODE(a.dtype() == b.dtype(), ErrorCode::kType,
                    "[{}] expected operands of one dtype, got {} and {}; convert one with to()", op,
                    a.describe(), b.describe());
  IOLAUS_CHECK_CODE(a.dtype() != kBool, ErrorCode::kType, "[{}] does not support bool", op);
  IOLAUS_CHECK(a.device() == b.device(), "[{}] expected tensors on one device, got {} and {}", op,
               a.describe(), b.describe());
}

// transpose of the last two dimensions, differentiable.
Tensor mt(const Tensor& x) { return transpose(x, -1, -2); }

// The sizes of a product of matrices with broadcast batch dimensions.
Dims product_sizes(const char* op, const Tensor& a, const Tensor& b) {
  const Dims &sa = a.sizes(), &sb = b.sizes();
  IOLAUS_CHECK(sa.back() == sb[sb.size() - 2],
               "[{}] expected the columns of the first operand to match the rows of the second, "
               "got {} and {}",
               op, sa.str(), sb.str());
  if (sa.size() == 2 && sb.size() == 2) return {sa[0], sb[1]};
  const Dims batch =
      broadcast_shapes(op, Dims(sa.data(), sa.size() - 2), Dims(sb.data(), sb.size() - 2));
  Dims sizes = batch;
  sizes.push_back(sa[sa.size() - 2]);
  sizes.push_back(sb.back());
  return sizes;
}

// Memory for a result that a kernel writes while it reads a and b.
Tensor result_of(const char* op, const Dims& sizes, const Tensor& a, const Tensor& b) {
  Tensor out;
  if (!detail::overwritten(a) && !detail::overwritten(b)) {
    out = detail::claim(op, sizes, a.dtype(), a.device());
  }
  return out.defined() ? out : empty(sizes, {.dtype = a.dtype(), .device = a.device()});
}

// a b for operands of at least two dimensions.
Tensor product(const char* op, const Tensor& a, const Tensor& b) {
  check_kinds(op, a, b);
  const Tensor out = result_of(op, product_sizes(op, a, b), a, b);
  matmul_into(out, a, b);
  if (needs_grad(a, b)) {
    record(op, out, edges(a, b), [op, a = save(a), b = save(b)](const Node& n, const Tensor& g) {
      const Tensor x = a(n), y = b(n);
      return std::array{n.needs(0) ? sum_to(product(op, g, mt(y)), x.sizes()) : Tensor(),
                        n.needs(1) ? sum_to(product(op, mt(x), g), y.sizes()) : Tensor()};
    });
  }
  return out;
}

// beta c + alpha a b in one pass: 16-bit floats are rounded once.
Tensor add_product(const char* op, const Tensor& c, const Tensor& left, const Tensor& right,
                   double beta, double alpha) {
  check_kinds(op, left, right);
  check_kinds(op, left, c);
  const Dims sizes = product_sizes(op, left, right);
  IOLAUS_CHECK(broadcast_shapes(op, c.sizes(), sizes) == sizes,
               "[{}] expected a shape that broadcasts to {}, got {}", op, sizes.str(),
               c.sizes().str());
  const bool tracked = needs_grad(c, left, right);
  const Tensor a = tracked ? detail::kept(left) : left, b = tracked ? detail::kept(right) : right;
  // c itself may be the destination, but no other view of its memory.
  const bool apart = detail::is_destination(c) || !detail::overwritten(c);
  const Tensor out = result_of(op, sizes, a, apart ? b : c);
  if (beta != 0 && out.storage() != c.storage()) copy(c, out);
  matmul_into(out, a, b, nullptr, alpha, beta);
  if (needs_grad(c, a, b)) {
    record(op, out, edges(c, a, b),
           [op, a = save(a), b = save(b), shape = c.sizes(), alpha, beta](const Node& n,
                                                                          const Tensor& g) {
             return std::array{n.needs(0) ? sum_to(mul(g, beta), shape) : Tensor(),
                               n.needs(1) ? mul(product(op, g, mt(b(n))), alpha) : Tensor(),
                               n.needs(2) ? mul(product(op, mt(a(n)), g), alpha) : Tensor()};
           });
  }
  return out;
}

// All but the last dimension as rows.
Tensor as_rows(const Tensor& x) {
  if (x.dim() == 2) return x;
  int64_t rows = 1;
  for (int64_t d = 0; d + 1 < x.dim(); ++d) rows *= x.sizes()[static_cast<size_t>(d)];
  return reshape(x, {rows, x.sizes().back()});
}

Tensor with_last(const Tensor& rows, const Dims& like, int64_t last) {
  Dims sizes = like;
  sizes[sizes.size() - 1] = last;
  return reshape(rows, sizes);
}

std::vector<OpSample> product_samples(Tensor (*fn)(const Tensor&, const Tensor&),
                                      std::vector<std::pair<Dims, Dims>> shapes) {
  std::vector<OpSample> samples;
  uint64_t seed = 1;
  for (const auto& [a, b] : shapes) {
    samples.push_back({a.str() + " " + b.str(),
                       {sample64(a, ++seed), sample64(b, ++seed)},
                       [fn](const Tensors& x) { return fn(x[0], x[1]); }});
  }
  return samples;
}

const bool kMatmul = register_op({"matmul", [] {
                                    return product_samples(matmul, {{{3}, {3}},
                                                                    {{2, 3}, {3}},
                                                                    {{3}, {3, 2}},
                                                                    {{2, 3}, {3, 4}},
                                                                    {{2, 2, 3}, {3, 4}},
                                                                    {{2, 3}, {2, 3, 2}},
                                                                    {{2, 1, 2, 3}, {3, 3, 2}},
                                                                    {{3}, {2, 3, 2}},
                                                                    {{2, 2, 3}, {3}},
                                                                    {{0, 3}, {3, 2}}});
                                  }});
const bool kMm = register_op({"mm", [] { return product_samples(mm, {{{2, 3}, {3, 4}}}); }});
const bool kBmm = register_op({"bmm", [] {
                                 return product_samples(bmm, {{{2, 2, 3}, {2, 3, 4}}});
                               }});
const bool kLinear = register_op(
    {"linear", [] {
       const auto fn = [](const Tensors& x) {
         return linear(x[0], x[1], x.size() > 2 ? x[2] : Tensor());
       };
       return std::vector<OpSample>{
           {"rows", {sample64({4, 3}, 1), sample64({2, 3}, 2), sample64({2}, 3)}, fn},
           {"one row", {sample64({3}, 1), sample64({2, 3}, 2), sample64({2}, 3)}, fn},
           {"batch", {sample64({2, 3, 3}, 1), sample64({2, 3}, 2), sample64({2}, 3)}, fn},
           {"without bias", {sample64({4, 3}, 1), sample64({2, 3}, 2)}, fn}};
     }});
const bool kAddmm = register_op(
    {"addmm", [] {
       const auto fn = [](const Tensors& x) { return addmm(x[0], x[1], x[2], 0.5, 2); };
       return std::vector<OpSample>{
           {"matrix", {sample64({2, 4}, 1), sample64({2, 3}, 2), sample64({3, 4}, 3)}, fn},
           {"row", {sample64({4}, 1), sample64({2, 3}, 2), sample64({3, 4}, 3)}, fn}};
     }});

const bool kBoxed =
    boxed("matmul(Tensor input, Tensor other) -> Tensor", matmul) &&
    boxed("mm(Tensor input, Tensor mat2) -> Tensor", mm) &&
    boxed("bmm(Tensor input, Tensor mat2) -> Tensor", bmm) &&
    boxed("linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", linear) &&
    boxed("addmm(Tensor input, Tensor mat1, Tensor mat2, *, float beta=1, float alpha=1) -> Tensor",
          addmm);

}  // namespace

Tensor mm(const Tensor& a, const Tensor& b) {
  if (autocast::on()) return autocast::call("mm", mm, a, b);
  IOLAUS_CHECK(a.dim() == 2 && b.dim() == 2, "[mm] expected two matrices, got {} and {}",
               a.sizes().str(), b.sizes().str());
  return product("mm", a, b);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  if (autocast::on()) return autocast::call("bmm", bmm, a, b);
  IOLAUS_CHECK(a.dim() == 3 && b.dim() == 3 && a.sizes()[0] == b.sizes()[0],
               "[bmm] expected two batches of as many matrices, got {} and {}", a.sizes().str(),
               b.sizes().str());
  return product("bmm", a, b);
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (autocast::on()) return autocast::call("matmul", matmul, a, b);
  IOLAUS_CHECK(a.dim() > 0 && b.dim() > 0,
               "[matmul] expected at least one dimension each, got {} and {}", a.sizes().str(),
               b.sizes().str());
  // A vector is a row on the left and a column on the right; its dimension then disappears.
  const Tensor x = a.dim() == 1 ? unsqueeze(a, 0) : a;
  const Tensor y = b.dim() == 1 ? unsqueeze(b, 1) : b;
  Tensor out;
  if (x.dim() > 2 && y.dim() == 2) {
    // One product of all rows; its second gradient is one, too.
    out = with_last(product("matmul", as_rows(x), y), x.sizes(), y.sizes()[1]);
  } else {
    out = product("matmul", x, y);
  }
  if (b.dim() == 1) out = squeeze(out, -1);
  if (a.dim() == 1) out = squeeze(out, b.dim() == 1 ? -1 : -2);
  return out;
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (autocast::on()) return autocast::call("linear", linear, x, weight, bias);
  if (weight.dim() == 1) {  // one output, without a dimension of its own
    const Tensor y = matmul(x, weight);
    return bias.defined() ? add(y, bias) : y;
  }
  check_kinds("linear", x, weight);
  IOLAUS_CHECK(weight.dim() == 2 && x.dim() >= 1 && x.sizes().back() == weight.sizes()[1],
               "[linear] expected x [..., in] and weight [out, in], got {} and {}", x.sizes().str(),
               weight.sizes().str());
  const int64_t width = weight.sizes()[0];
  if (bias.defined()) {
    check_kinds("linear", x, bias);
    IOLAUS_CHECK(bias.dim() == 1 && bias.sizes()[0] == width, "[linear] expected bias [{}], got {}",
                 width, bias.sizes().str());
  }
  if (x.dim() != 2) return with_last(linear(as_rows(x), weight, bias), x.sizes(), width);
  const Tensor out =
      result_of("linear", {x.sizes()[0], width}, x, detail::overwritten(bias) ? bias : weight);
  matmul_into(out, x, views::transpose(weight, 0, 1), &bias);
  if (needs_grad(x, weight, bias)) {
    record("linear", out, edges(x, weight, bias),
           [x = save(x), w = save(weight)](const Node& n, const Tensor& g) {
             return std::array{n.needs(0) ? product("linear", g, w(n)) : Tensor(),
                               n.needs(1) ? product("linear", mt(g), x(n)) : Tensor(),
                               n.needs(2) ? sum(g, {0}) : Tensor()};
           });
  }
  return out;
}

Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta, double alpha) {
  if (autocast::on()) return autocast::call("addmm", addmm, c, a, b, beta, alpha);
  IOLAUS_CHECK(a.dim() == 2 && b.dim() == 2, "[addmm] expected two matrices, got {} and {}",
               a.sizes().str(), b.sizes().str());
  return add_product("addmm", c, a, b, beta, alpha);
}

Tensor baddbmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta, double alpha) {
  if (autocast::on()) return autocast::call("baddbmm", baddbmm, c, a, b, beta, alpha);
  IOLAUS_CHECK(a.dim() == 3 && b.dim() == 3 && a.sizes()[0] == b.sizes()[0],
               "[baddbmm] expected two batches of as many matrices, got {} and {}", a.sizes().str(),
               b.sizes().str());
  return add_product("baddbmm", c, a, b, beta, alpha);
}

}  // namespace iolaus
