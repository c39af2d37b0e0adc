// Scaled dot product attention. The kernels keep nothing but the result and lse, and backward is a
// kernel as well; attention_formula.h says when the formula is used instead.
#include "autograd/ops/attention.h"

#include <algorithm>
#include <cmath>

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/attention_formula.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "core/random.h"
#include "core/views.h"
#include "kernels/attention/attention.h"
#include "kernels/copy/copy.h"
#include "kernels/flop_counter.h"

namespace iolaus {
namespace {

constexpr const char* kOp = "scaled_dot_product_attention";

// As the kernels read it: rows dense.
Tensor with_dense_rows(const Tensor& x) {
  return x.sizes()[3] <= 1 || x.strides()[3] == 1 ? x : make_contiguous(x);
}

// A tensor like x (B, H, T, ...) of another width, in the order in which x lies in memory: where
// that is (B, T, H, D), the caller's reshape to (B, T, H D) is a view.
Tensor empty_rows(const Tensor& x, int64_t width) {
  const Dims& s = x.sizes();
  if (s[1] > 1 && x.strides()[1] < x.strides()[2]) {
    return views::transpose(empty({s[0], s[2], s[1], width}, x.options()), 1, 2);
  }
  return empty({s[0], s[1], s[2], width}, x.options());
}

struct Saved {
  autograd::SavedTensor q, k, v, out;
  Tensor mask, lse;
  attention_formula::Options options;
};

std::array<Tensor, 3> backward(const Saved& s, const Node& n, const Tensor& g) {
  const Tensor q = s.q(n), k = s.k(n), v = s.v(n);
  if (grad_enabled()) {
    const auto grads = attention_formula::backward(q, k, v, s.mask, g, s.options);
    return {grads.dq, grads.dk, grads.dv};
  }
  AttentionTensors t{with_dense_rows(q),
                     with_dense_rows(k),
                     with_dense_rows(v),
                     s.out(n),
                     s.lse,
                     s.mask,
                     with_dense_rows(g),
                     {},
                     {},
                     {}};
  t.dq = empty_rows(q, q.sizes()[3]);
  t.dk = empty_rows(k, k.sizes()[3]);
  t.dv = empty_rows(v, v.sizes()[3]);
  run_counted(attention_backward_kernels(), make_attention(t, s.options.causal, s.options.scale));
  return {t.dq, t.dk, t.dv};
}

// q (B, H, L, E), k (B, Hkv, S, E), v (B, Hkv, S, Ev).
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
              const attention_formula::Options& options) {
  if (options.dropout_p > 0 || needs_grad(mask)) {
    return attention_formula::forward(q, k, v, mask, options);
  }
  AttentionTensors t{
      with_dense_rows(q), with_dense_rows(k), with_dense_rows(v), {}, {}, mask, {}, {}, {}, {}};
  t.out = empty_rows(q, v.sizes()[3]);
  t.lse = empty({q.sizes()[0], q.sizes()[1], q.sizes()[2]},
                {.dtype = statistics_dtype(q.dtype()), .device = q.device()});
  run_counted(attention_kernels(), make_attention(t, options.causal, options.scale));
  if (needs_grad(q, k, v)) {
    record(kOp, t.out, edges(q, k, v),
           [s = Saved{save(q), save(k), save(v), save_output(t.out), mask, t.lse, options}](
               const Node& n, const Tensor& g) { return backward(s, n, g); });
  }
  return t.out;
}

void check_arguments(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                     double dropout_p, bool is_causal, bool enable_gqa) {
  IOLAUS_CHECK_CODE(is_floating(q.dtype()) && k.dtype() == q.dtype() && v.dtype() == q.dtype(),
                    ErrorCode::kType,
                    "[{}] expected q, k and v of one floating dtype, got {}, {} and {}", kOp,
                    q.describe(), k.describe(), v.describe());
  IOLAUS_CHECK(q.device() == k.device() && q.device() == v.device(),
               "[{}] expected q, k and v on one device, got {}, {} and {}", kOp, q.describe(),
               k.describe(), v.describe());
  const int64_t rank = q.dim();
  const bool fits = rank >= 2 && k.dim() == rank && v.dim() == rank && k.size(-1) == q.size(-1) &&
                    k.size(-2) == v.size(-2);
  IOLAUS_CHECK(fits,
               "[{}] expected q (..., L, E), k (..., S, E) and v (..., S, Ev), got {}, {}, {}", kOp,
               q.sizes().str(), k.sizes().str(), v.sizes().str());
  IOLAUS_CHECK(!enable_gqa || rank >= 3,
               "[{}] expected heads, (..., H, L, E), with enable_gqa, got {}", kOp,
               q.sizes().str());
  IOLAUS_CHECK(dropout_p >= 0 && dropout_p <= 1, "[{}] expected dropout_p in [0, 1], got {}", kOp,
               dropout_p);
  if (!mask.defined()) return;
  IOLAUS_CHECK(!is_causal, "[{}] expected no attn_mask beside is_causal", kOp);
  IOLAUS_CHECK_CODE(mask.dtype() == kBool || mask.dtype() == q.dtype(), ErrorCode::kType,
                    "[{}] expected attn_mask of bool or {}, got {}", kOp, dtype_name(q.dtype()),
                    mask.describe());
  IOLAUS_CHECK(mask.device() == q.device(), "[{}] expected attn_mask on {}, got {}", kOp,
               q.device().str(), mask.describe());
}

// Dimensions of x before its last `kept`.
Dims leading(const Tensor& x, int kept) {
  return Dims(x.sizes().data(), x.sizes().size() - static_cast<size_t>(kept));
}

// x with these leading dimensions in place of its own, which broadcast to them.
Tensor with_leading(const Tensor& x, Dims batch, int kept) {
  if (leading(x, kept) == batch) return x;
  for (int d = kept; d > 0; --d) batch.push_back(x.size(-d));
  return expand(x, batch);
}

// x (batch..., H, T, D) as (B, H, T, D).
Tensor as_heads(const Tensor& x) {
  if (x.dim() == 4) return x;
  if (x.dim() == 3) return unsqueeze(x, 0);
  if (x.dim() == 2) return unsqueeze(unsqueeze(x, 0), 0);
  int64_t batch = 1;
  for (int64_t size : leading(x, 3)) batch *= size;
  return reshape(x, {batch, x.size(-3), x.size(-2), x.size(-1)});
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const Tensor& attn_mask, double dropout_p, bool is_causal,
                                    std::optional<double> scale, bool enable_gqa) {
  if (autocast::on())
    return autocast::call("scaled_dot_product_attention", scaled_dot_product_attention, q, k, v,
                          attn_mask, dropout_p, is_causal, scale, enable_gqa);
  const int64_t rank = std::max({q.dim(), k.dim(), v.dim()});
  if (std::min({q.dim(), k.dim(), v.dim()}) >= 2 && (q.dim() + k.dim() + v.dim() != 3 * rank)) {
    const auto wide = [&](const Tensor& x) {
      Tensor out = x;
      while (out.dim() < rank) out = unsqueeze(out, 0);
      return out;
    };
    return scaled_dot_product_attention(wide(q), wide(k), wide(v), attn_mask, dropout_p, is_causal,
                                        scale, enable_gqa);
  }
  check_arguments(q, k, v, attn_mask, dropout_p, is_causal, enable_gqa);
  // With shared heads these differ in number; all other leading dimensions broadcast.
  const int kept = enable_gqa ? 3 : 2;
  const Dims batch = broadcast_shapes(kOp, leading(q, kept),
                                      broadcast_shapes(kOp, leading(k, kept), leading(v, kept)));
  const Tensor q4 = as_heads(with_leading(q, batch, kept));
  const Tensor k4 = as_heads(with_leading(k, batch, kept));
  const Tensor v4 = as_heads(with_leading(v, batch, kept));
  IOLAUS_CHECK(
      k4.size(1) == v4.size(1) &&
          (k4.size(1) == 0 ? q4.size(1) == 0 : q4.size(1) % k4.size(1) == 0),
      "[{}] expected k and v of as many heads, and a multiple of them in q, got {}, {}, {}", kOp,
      q.sizes().str(), k.sizes().str(), v.sizes().str());
  Tensor mask = attn_mask;
  Dims full = leading(q4, 2);
  full.push_back(q4.size(2));
  full.push_back(k4.size(2));
  if (mask.defined() && q.dim() > 4) {
    Dims all = with_leading(q, batch, kept).sizes();
    all[all.size() - 1] = k.size(-2);
    mask = as_heads(expand(mask, all));
  }
  if (mask.defined()) {
    IOLAUS_CHECK(mask.dim() <= 4 && broadcast_shapes(kOp, mask.sizes(), full) == full,
                 "[{}] expected attn_mask that broadcasts to {}, got {}", kOp, full.str(),
                 attn_mask.describe());
  }
  const double factor = scale ? *scale : 1 / std::sqrt(static_cast<double>(q.size(-1)));
  const Tensor out = attend(q4, k4, v4, mask, {is_causal, factor, dropout_p});
  if (q.dim() == 4) return out;
  Dims sizes = with_leading(q, batch, kept).sizes();
  sizes[sizes.size() - 1] = v.size(-1);
  return reshape(out, sizes);
}

namespace {

std::vector<OpSample> samples() {
  std::vector<OpSample> list;
  const auto qkv = [](const Dims& q, const Dims& k, const Dims& v) {
    return Tensors{sample64(q, 1, -2, 2), sample64(k, 2, -2, 2), sample64(v, 3, -2, 2)};
  };
  const auto plain = [](bool causal, bool gqa) {
    return [=](const Tensors& x) {
      return scaled_dot_product_attention(x[0], x[1], x[2], {}, 0, causal, {}, gqa);
    };
  };
  list.push_back({"plain", qkv({1, 2, 3, 4}, {1, 2, 5, 4}, {1, 2, 5, 3}), plain(false, false)});
  list.push_back({"causal", qkv({1, 1, 4, 3}, {1, 1, 3, 3}, {1, 1, 3, 3}), plain(true, false)});
  list.push_back({"three dimensions", qkv({2, 3, 2}, {2, 2, 2}, {2, 2, 2}), plain(true, false)});
  list.push_back(
      {"shared heads", qkv({1, 4, 2, 3}, {1, 2, 3, 3}, {1, 2, 3, 2}), plain(true, true)});
  list.push_back({"broadcast, five dimensions", qkv({2, 1, 2, 2, 3}, {1, 2, 2, 3, 3}, {2, 3, 2}),
                  [](const Tensors& x) {
                    const Tensor values = unsqueeze(unsqueeze(x[2], 0), 0);
                    return scaled_dot_product_attention(x[0], x[1], values);
                  }});
  // The second row sees nothing.
  const Tensor seen = from_values<double>({1, 0, 1, 0, 0, 0}, {2, 3});
  list.push_back(
      {"bool mask", qkv({1, 2, 2, 3}, {1, 2, 3, 3}, {1, 2, 3, 2}), [seen](const Tensors& x) {
         return scaled_dot_product_attention(x[0], x[1], x[2], to(seen, kBool, x[0].device()));
       }});
  Tensors masked = qkv({1, 2, 2, 3}, {1, 2, 3, 3}, {1, 2, 3, 2});
  masked.push_back(sample64({2, 1, 3}, 4));
  list.push_back({"mask with a gradient", masked, [](const Tensors& x) {
                    return scaled_dot_product_attention(x[0], x[1], x[2], x[3], 0, false, 0.3);
                  }});
  list.push_back({"dropout", qkv({1, 2, 3, 4}, {1, 2, 5, 4}, {1, 2, 5, 3}), [](const Tensors& x) {
                    const GeneratorState before = default_generator().get_state();
                    manual_seed(5);  // the same elements in every call
                    const Tensor out = scaled_dot_product_attention(x[0], x[1], x[2], {}, 0.4);
                    default_generator().set_state(before);
                    return out;
                  }});
  return list;
}
const bool kRegistered = register_op({kOp, samples});

const bool kBoxed = boxed(
    "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, "
    "float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> "
    "Tensor",
    scaled_dot_product_attention);

}  // namespace
}  // namespace iolaus
