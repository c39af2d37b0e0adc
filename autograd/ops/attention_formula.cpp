// The formula of kernels/attention/attention.h, in ops.
#include "autograd/ops/attention_formula.h"

#include <limits>

#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/random.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/softmax.h"
#include "autograd/ops/view.h"

namespace iolaus::attention_formula {
namespace {

constexpr double kHidden = -std::numeric_limits<double>::infinity();

// Heads of k or v (B, Hkv, S, D), each as often as query heads share it.
Tensor repeat_heads(const Tensor& x, int64_t heads) {
  const Dims& s = x.sizes();
  if (s[1] == heads) return x;
  const Dims repeated{s[0], s[1], heads / s[1], s[2], s[3]};
  return reshape(expand(unsqueeze(x, 2), repeated), {s[0], heads, s[2], s[3]});
}

// Its gradient: the sum over those that share a head.
Tensor sum_heads(const Tensor& x, int64_t heads) {
  const Dims& s = x.sizes();
  if (s[1] == heads) return x;
  return sum(reshape(x, {s[0], heads, s[1] / heads, s[2], s[3]}), {2});
}

Tensor count_up(int64_t n, const Dims& sizes, Device device) {
  std::vector<int64_t> numbers(static_cast<size_t>(n));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int64_t>(i);
  return to(from_values(numbers, sizes), device);
}

// softmax of the scores; rows that see nothing become zeros, without a gradient.
Tensor probabilities(const Tensor& q, const Tensor& k, const Tensor& mask, const Options& o) {
  const int64_t heads = q.sizes()[1], queries = q.sizes()[2], keys = k.sizes()[2];
  Tensor s = mul(matmul(q, transpose(repeat_heads(k, heads), -1, -2)), o.scale);
  const Tensor hidden = scalar_tensor(kHidden, q.options());
  if (o.causal) {
    const Tensor seen =
        le(count_up(keys, {1, keys}, q.device()), count_up(queries, {queries, 1}, q.device()));
    s = where(seen, s, hidden);
  }
  if (!mask.defined() || keys == 0) return softmax(s, -1);
  s = mask.dtype() == kBool ? where(mask, s, hidden) : add(s, mask);
  const Tensor blind = all(eq(s.detach(), kHidden), {-1}, true);
  const Tensor zero = scalar_tensor(0, q.options());
  return where(blind, zero, softmax(where(blind, zero, s), -1));
}

}  // namespace

Tensor forward(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
               const Options& options) {
  const Tensor p = dropout(probabilities(q, k, mask, options), options.dropout_p, true);
  return matmul(p, repeat_heads(v, q.sizes()[1]));
}

Gradients backward(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                   const Tensor& g, const Options& options) {
  const int64_t heads = q.sizes()[1], kv_heads = k.sizes()[1];
  const Tensor p = probabilities(q, k, mask, options);
  const Tensor dp = matmul(g, transpose(repeat_heads(v, heads), -1, -2));
  const Tensor ds = mul(mul(p, sub(dp, sum(mul(p, dp), {-1}, true))), options.scale);
  return {matmul(ds, repeat_heads(k, heads)), sum_heads(matmul(transpose(ds, -1, -2), q), kv_heads),
          sum_heads(matmul(transpose(p, -1, -2), g), kv_heads)};
}

}  // namespace iolaus::attention_formula
