// Losses of single elements and of pairs of vectors, written in differentiable ops.
#include <cmath>

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/loss.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary_common.h"
#include "autograd/ops/view.h"
#include "autograd/ops/widen.h"
#include "autograd/record.h"

namespace iolaus {
namespace {

Tensor reduced(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::kNone) return losses;
  return reduction == Reduction::kMean ? mean(losses) : sum(losses);
}

void check_same_kind(const char* op, const Tensor& x, const Tensor& target) {
  IOLAUS_CHECK_CODE(is_floating(x.dtype()) && is_floating(target.dtype()), ErrorCode::kType,
                    "[{}] expected floating tensors, got {} and {}", op, x.describe(),
                    target.describe());
}
void check_same_shape(const char* op, const Tensor& x, const Tensor& target) {
  IOLAUS_CHECK(x.sizes() == target.sizes(), "[{}] expected a target of shape {}, got {}", op,
               x.sizes().str(), target.sizes().str());
}

// The arguments size_average and reduce are PyTorch's old names of reduction; they are not read.
using Old = std::optional<bool>;
using PairLoss = Tensor (*)(const Tensor&, const Tensor&, Reduction);
template <PairLoss fn>
Tensor boxed_pair(const Tensor& x, const Tensor& target, Old, Old, const std::string& reduction) {
  return fn(x, target, parse_reduction("loss", reduction));
}

const bool kElements =
    boxed(
        "mse_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, "
        "str reduction='mean') -> Tensor",
        boxed_pair<mse_loss>) &&
    boxed(
        "l1_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, "
        "str reduction='mean') -> Tensor",
        boxed_pair<l1_loss>) &&
    boxed(
        "smooth_l1_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, "
        "str reduction='mean', float beta=1.0) -> Tensor",
        +[](const Tensor& x, const Tensor& target, Old, Old, const std::string& reduction,
            double beta) {
          return smooth_l1_loss(x, target, parse_reduction("smooth_l1_loss", reduction), beta);
        }) &&
    boxed(
        "huber_loss(Tensor input, Tensor target, str reduction='mean', float delta=1.0) -> Tensor",
        +[](const Tensor& x, const Tensor& target, const std::string& reduction, double delta) {
          return huber_loss(x, target, parse_reduction("huber_loss", reduction), delta);
        }) &&
    boxed(
        "binary_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, "
        "bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        +[](const Tensor& x, const Tensor& target, const Tensor& weight, Old, Old,
            const std::string& reduction) {
          return binary_cross_entropy(x, target, weight,
                                      parse_reduction("binary_cross_entropy", reduction));
        }) &&
    boxed(
        "binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, "
        "bool? size_average=None, bool? reduce=None, str reduction='mean', "
        "Tensor? pos_weight=None) -> Tensor",
        +[](const Tensor& x, const Tensor& target, const Tensor& weight, Old, Old,
            const std::string& reduction, const Tensor& pos_weight) {
          return binary_cross_entropy_with_logits(
              x, target, weight, pos_weight,
              parse_reduction("binary_cross_entropy_with_logits", reduction));
        }) &&
    boxed(
        "kl_div(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, "
        "str reduction='mean', bool log_target=False) -> Tensor",
        +[](const Tensor& x, const Tensor& target, Old, Old, const std::string& reduction,
            bool log_target) { return kl_div(x, target, reduction, log_target); });
const bool kPairs =
    boxed("cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor",
          cosine_similarity) &&
    boxed(
        "cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0, "
        "bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        +[](const Tensor& a, const Tensor& b, const Tensor& target, double margin, Old, Old,
            const std::string& reduction) {
          return cosine_embedding_loss(a, b, target, margin,
                                       parse_reduction("cosine_embedding_loss", reduction));
        }) &&
    boxed(
        "margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0, "
        "bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        +[](const Tensor& a, const Tensor& b, const Tensor& target, double margin, Old, Old,
            const std::string& reduction) {
          return margin_ranking_loss(a, b, target, margin,
                                     parse_reduction("margin_ranking_loss", reduction));
        }) &&
    boxed(
        "hinge_embedding_loss(Tensor input, Tensor target, float margin=1.0, "
        "bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        +[](const Tensor& x, const Tensor& target, double margin, Old, Old,
            const std::string& reduction) {
          return hinge_embedding_loss(x, target, margin,
                                      parse_reduction("hinge_embedding_loss", reduction));
        }) &&
    boxed(
        "pairwise_distance(Tensor x1, Tensor x2, float p=2.0, float eps=1e-06, "
        "bool keepdim=False) -> Tensor",
        pairwise_distance) &&
    boxed(
        "triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, "
        "float p=2, float eps=1e-06, bool swap=False, bool? size_average=None, "
        "bool? reduce=None, str reduction='mean') -> Tensor",
        +[](const Tensor& a, const Tensor& p, const Tensor& n, double margin, double ord,
            double eps, bool swap, Old, Old, const std::string& reduction) {
          return triplet_margin_loss(a, p, n, margin, ord, eps, swap,
                                     parse_reduction("triplet_margin_loss", reduction));
        }) &&
    boxed("normalize(Tensor input, float p=2.0, int dim=1, float eps=1e-12) -> Tensor", normalize);

template <class Fn> std::vector<OpSample> two(Fn fn, double low = -2, double high = 2) {
  const Tensors inputs{sample64({3, 4}, 1, low, high), sample64({3, 4}, 2, low, high)};
  const auto with = [fn](Reduction reduction) {
    return [fn, reduction](const Tensors& x) { return fn(x[0], x[1], reduction); };
  };
  return {{"mean", inputs, with(Reduction::kMean)},
          {"sum", inputs, with(Reduction::kSum)},
          {"none", inputs, with(Reduction::kNone)}};
}
const bool kElementSamples =
    register_op({"mse_loss", [] { return two(mse_loss); }}) &&
    register_op({"l1_loss", [] { return two(l1_loss); }}) &&
    register_op({"smooth_l1_loss",
                 [] {
                   return two([](const Tensor& x, const Tensor& y, Reduction r) {
                     return smooth_l1_loss(x, y, r, 0.7);
                   });
                 }}) &&
    register_op({"huber_loss",
                 [] {
                   return two([](const Tensor& x, const Tensor& y, Reduction r) {
                     return huber_loss(x, y, r, 0.7);
                   });
                 }}) &&
    register_op({"binary_cross_entropy",
                 [] {
                   return two([](const Tensor& x, const Tensor& y,
                                 Reduction r) { return binary_cross_entropy(x, y, {}, r); },
                              0.1, 0.9);
                 }}) &&
    register_op({"binary_cross_entropy_with_logits", [] {
                   const Tensor weight = sample64({4}, 3, 0.5, 2);
                   return two([weight](const Tensor& x, const Tensor& y, Reduction r) {
                     const Tensor w = to(weight, x.dtype(), x.device());
                     return binary_cross_entropy_with_logits(x, y, w, w, r);
                   });
                 }});
const bool kPairSamples =
    register_op({"kl_div",
                 [] {
                   return two([](const Tensor& x, const Tensor& y,
                                 Reduction) { return kl_div(x, y, "batchmean"); },
                              0.1, 0.9);
                 }}) &&
    register_op({"cosine_similarity",
                 [] {
                   return two([](const Tensor& x, const Tensor& y, Reduction) {
                     return cosine_similarity(x, y);
                   });
                 }}) &&
    register_op({"pairwise_distance",
                 [] {
                   return two([](const Tensor& x, const Tensor& y, Reduction) {
                     return pairwise_distance(x, y, 3);
                   });
                 }}) &&
    register_op({"triplet_margin_loss", [] {
                   return two([](const Tensor& x, const Tensor& y, Reduction r) {
                     return triplet_margin_loss(x, y, mul(x, y), 1, 2, 1e-6, true, r);
                   });
                 }});

}  // namespace

Reduction parse_reduction(const char* op, const std::string& text) {
  if (text == "none") return Reduction::kNone;
  if (text == "mean") return Reduction::kMean;
  IOLAUS_CHECK(text == "sum", "[{}] expected reduction 'none', 'mean' or 'sum', got '{}'", op,
               text);
  return Reduction::kSum;
}

Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  if (autocast::on()) return autocast::call("mse_loss", mse_loss, x, target, reduction);
  return reduced(square(sub(x, target)), reduction);
}

Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  if (autocast::on()) return autocast::call("l1_loss", l1_loss, x, target, reduction);
  return reduced(abs(sub(x, target)), reduction);
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, Reduction reduction, double beta) {
  if (autocast::on())
    return autocast::call("smooth_l1_loss", smooth_l1_loss, x, target, reduction, beta);
  IOLAUS_CHECK(beta >= 0, "[smooth_l1_loss] expected beta >= 0, got {}", beta);
  if (beta == 0) return l1_loss(x, target, reduction);
  return reduced(detail::unary(ops::Huber{{}, beta, 1 / beta}, sub(x, target)), reduction);
}

Tensor huber_loss(const Tensor& x, const Tensor& target, Reduction reduction, double delta) {
  if (autocast::on()) return autocast::call("huber_loss", huber_loss, x, target, reduction, delta);
  IOLAUS_CHECK(delta > 0, "[huber_loss] expected delta > 0, got {}", delta);
  return reduced(detail::unary(ops::Huber{{}, delta}, sub(x, target)), reduction);
}

Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight,
                            Reduction reduction) {
  if (autocast::on())
    return autocast::call("binary_cross_entropy", binary_cross_entropy, x, target, weight,
                          reduction);
  if (is_short_float(x)) {
    return to(binary_cross_entropy(widened(x), widened(target), widened(weight), reduction),
              x.dtype());
  }
  check_same_kind("binary_cross_entropy", x, target);
  check_same_shape("binary_cross_entropy", x, target);
  IOLAUS_CHECK(all(logical_and(ge(x.detach(), 0), le(x.detach(), 1))).item<bool>(),
               "[binary_cross_entropy] expected probabilities in [0, 1]");
  const auto safe_log = [](const Tensor& p) { return clamp(log(p), -100, {}); };
  const Tensor loss = neg(add(mul(target, safe_log(x)), mul(sub(1, target), safe_log(sub(1, x)))));
  return reduced(weight.defined() ? mul(loss, weight) : loss, reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target, const Tensor& weight,
                                        const Tensor& pos_weight, Reduction reduction) {
  if (autocast::on())
    return autocast::call("binary_cross_entropy_with_logits", binary_cross_entropy_with_logits, x,
                          target, weight, pos_weight, reduction);
  if (is_short_float(x)) {
    return to(binary_cross_entropy_with_logits(widened(x), widened(target), widened(weight),
                                               widened(pos_weight), reduction),
              x.dtype());
  }
  check_same_kind("binary_cross_entropy_with_logits", x, target);
  check_same_shape("binary_cross_entropy_with_logits", x, target);
  const Tensor log_p = logsigmoid(x);
  Tensor loss = mul(sub(1, target), x);  // (1 - t) x - log sigmoid(x) (1 + (w - 1) t)
  if (pos_weight.defined()) {
    loss = sub(loss, mul(add(mul(sub(pos_weight, 1), target), 1), log_p));
  } else {
    loss = sub(loss, log_p);
  }
  return reduced(weight.defined() ? mul(loss, weight) : loss, reduction);
}

Tensor kl_div(const Tensor& x, const Tensor& target, const std::string& reduction,
              bool log_target) {
  if (autocast::on()) return autocast::call("kl_div", kl_div, x, target, reduction, log_target);
  Tensor loss;
  if (log_target) {
    loss = mul(exp(target), sub(target, x));
  } else {
    // t ln t is 0 at 0.
    const Tensor zero = eq(target.detach(), 0);
    loss = sub(where(zero, 0, mul(target, log(where(zero, 1, target)))), mul(target, x));
  }
  if (reduction == "batchmean") {
    IOLAUS_CHECK(x.dim() > 0, "[kl_div] expected a batch for 'batchmean', got {}", x.describe());
    return div(sum(loss), x.sizes()[0]);
  }
  return reduced(loss, parse_reduction("kl_div", reduction));
}

Tensor cosine_similarity(const Tensor& a, const Tensor& b, int64_t dim, double eps) {
  if (autocast::on()) return autocast::call("cosine_similarity", cosine_similarity, a, b, dim, eps);
  if (is_short_float(a)) {
    return to(cosine_similarity(widened(a), widened(b), dim, eps), a.dtype());
  }
  const Dims sizes = broadcast_shapes("cosine_similarity", a.sizes(), b.sizes());
  const Tensor x = expand(a, sizes), y = expand(b, sizes);
  const int64_t d = wrap_dim("cosine_similarity", dim, sizes.rank());
  const auto length = [&](const Tensor& v) { return clamp(vector_norm(v, 2, {d}, true), eps, {}); };
  return sum(mul(div(x, length(x)), div(y, length(y))), {d});
}

Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target, double margin,
                             Reduction reduction) {
  if (autocast::on())
    return autocast::call("cosine_embedding_loss", cosine_embedding_loss, a, b, target, margin,
                          reduction);
  if (is_short_float(a)) {
    return to(cosine_embedding_loss(widened(a), widened(b), target, margin, reduction), a.dtype());
  }
  constexpr double kEps = 1e-12;  // beside the squares, as PyTorch has it here
  IOLAUS_CHECK(a.sizes() == b.sizes() && a.dim() >= 1 && target.dim() == a.dim() - 1,
               "[cosine_embedding_loss] expected two inputs of one shape and a target of one "
               "dimension less, got {}, {} and {}",
               a.describe(), b.describe(), target.describe());
  const auto squares = [&](const Tensor& v) { return add(sum(square(v), {-1}), kEps); };
  const Tensor cosine = div(sum(mul(a, b), {-1}), sqrt(mul(squares(a), squares(b))));
  const Tensor same = sub(1, cosine), other = clamp(sub(cosine, margin), 0, {});
  return reduced(add(where(eq(target, 1), same, 0), where(eq(target, -1), other, 0)), reduction);
}

Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& target, double margin,
                           Reduction reduction) {
  if (autocast::on())
    return autocast::call("margin_ranking_loss", margin_ranking_loss, a, b, target, margin,
                          reduction);
  IOLAUS_CHECK(a.dim() == b.dim() && a.dim() == target.dim(),
               "[margin_ranking_loss] expected inputs of as many dimensions, got {}, {} and {}",
               a.describe(), b.describe(), target.describe());
  return reduced(relu(add(mul(neg(target), sub(a, b)), margin)), reduction);
}

Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target, double margin,
                            Reduction reduction) {
  if (autocast::on())
    return autocast::call("hinge_embedding_loss", hinge_embedding_loss, x, target, margin,
                          reduction);
  const Tensor far = relu(sub(margin, x));
  return reduced(add(where(ne(target, 1), far, 0), where(ne(target, -1), x, 0)), reduction);
}

Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p, double eps, bool keepdim) {
  if (is_short_float(a)) {
    return to(pairwise_distance(widened(a), widened(b), p, eps, keepdim), a.dtype());
  }
  const Tensor d = add(sub(a, b), eps);
  return vector_norm(d, p, {d.dim() - 1}, keepdim);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           double margin, double p, double eps, bool swap, Reduction reduction) {
  if (autocast::on())
    return autocast::call("triplet_margin_loss", triplet_margin_loss, anchor, positive, negative,
                          margin, p, eps, swap, reduction);
  if (is_short_float(anchor)) {
    return to(triplet_margin_loss(widened(anchor), widened(positive), widened(negative), margin, p,
                                  eps, swap, reduction),
              anchor.dtype());
  }
  IOLAUS_CHECK(anchor.dim() == positive.dim() && anchor.dim() == negative.dim(),
               "[triplet_margin_loss] expected inputs of as many dimensions, got {}, {} and {}",
               anchor.describe(), positive.describe(), negative.describe());
  IOLAUS_CHECK(margin > 0, "[triplet_margin_loss] expected margin > 0, got {}", margin);
  const Tensor near = pairwise_distance(anchor, positive, p, eps);
  Tensor far = pairwise_distance(anchor, negative, p, eps);
  if (swap) far = minimum(far, pairwise_distance(positive, negative, p, eps));
  return reduced(relu(add(sub(near, far), margin)), reduction);
}

Tensor normalize(const Tensor& x, double p, int64_t dim, double eps) {
  if (is_short_float(x)) {
    return to(normalize(widened(x), p, dim, eps), x.dtype());
  }
  return div(x, clamp(vector_norm(x, p, {dim}, true), eps, {}));
}

}  // namespace iolaus
