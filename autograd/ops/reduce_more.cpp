// Reductions made of others: distances, areas, quantiles, and means without NaN.
#include "autograd/ops/reduce_more.h"

#include <cmath>

#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/sort.h"
#include "autograd/ops/view.h"
#include "autograd/ops/widen.h"
#include "autograd/record.h"

namespace iolaus {
namespace {

bool add_sample(const char* op, const std::vector<Dims>& sizes, Tensor (*fn)(const Tensors&)) {
  return register_op({op, [=] {
                        Tensors inputs;
                        for (const Dims& size : sizes) {
                          inputs.push_back(sample64(size, inputs.size() + 1));
                        }
                        return std::vector<OpSample>{{"sample", inputs, fn}};
                      }});
}
const bool kSamples =
    add_sample("nanmean", {{3, 4}}, [](const Tensors& x) { return nanmean(x[0], {1}); }) &&
    add_sample("aminmax", {{3, 4}},
               [](const Tensors& x) {
                 const auto [low, high] = aminmax(x[0], 1);
                 return cat({low, high});
               }) &&
    add_sample("dist", {{3, 4}, {4}}, [](const Tensors& x) { return dist(x[0], x[1]); }) &&
    add_sample("cdist", {{2, 3, 4}, {5, 4}},
               [](const Tensors& x) { return cdist(x[0], x[1], 3); }) &&
    add_sample("trapezoid", {{3, 4}, {4}},
               [](const Tensors& x) { return trapezoid(x[0], x[1]); }) &&
    add_sample("quantile", {{3, 5}}, [](const Tensors& x) {
      const Tensor shares = to(from_values<double>({0.1, 0.6}, {2}), x[0].dtype());
      return quantile(x[0], to(shares, x[0].device()), 1, true);
    });

const bool kBoxed =
    boxed(
        "nanmean(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> "
        "Tensor",
        nanmean) &&
    boxed("aminmax(Tensor input, *, int? dim=None, bool keepdim=False) -> (Tensor, Tensor)",
          aminmax) &&
    boxed("dist(Tensor input, Tensor other, float p=2) -> Tensor", dist) &&
    boxed(
        "cdist(Tensor x1, Tensor x2, float p=2, str? compute_mode=None) -> Tensor",
        +[](const Tensor& a, const Tensor& b, double p, const std::optional<std::string>&) {
          return cdist(a, b, p);
        }) &&
    boxed("trapezoid(Tensor y, Tensor x, int dim=-1) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, const Tensor&, int64_t)>(trapezoid)) &&
    boxed("trapezoid(Tensor y, *, float dx=1, int dim=-1) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, double, int64_t)>(trapezoid)) &&
    boxed(
        "quantile(Tensor input, Tensor q, int? dim=None, bool keepdim=False, *, "
        "str interpolation='linear') -> Tensor",
        quantile) &&
    boxed(
        "quantile(Tensor input, float q, int? dim=None, bool keepdim=False, *, "
        "str interpolation='linear') -> Tensor",
        +[](const Tensor& x, double q, std::optional<int64_t> dim, bool keepdim,
            const std::string& mode) {
          return quantile(x, scalar_tensor(q, x.options()), dim, keepdim, mode);
        });

// Pairs of neighbours along dim.
Tensor later(const Tensor& x, int d) { return narrow(x, d, 1, x.sizes()[d] - 1); }
Tensor earlier(const Tensor& x, int d) { return narrow(x, d, 0, x.sizes()[d] - 1); }

}  // namespace

Tensor nanmean(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[nanmean] expected a floating tensor, got {}", x.describe());
  const Tensor count = sum(logical_not(isnan(x.detach())), dims, keepdim);
  const DType wanted = dtype.value_or(x.dtype());
  return to(div(nansum(widened(to(x, wanted)), dims, keepdim), count), wanted);
}

std::pair<Tensor, Tensor> aminmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  if (dim) return {amin(x, {*dim}, keepdim), amax(x, {*dim}, keepdim)};
  return {amin(x, {}, keepdim), amax(x, {}, keepdim)};
}

Tensor dist(const Tensor& a, const Tensor& b, double p) {
  return to(vector_norm(sub(widened(a), widened(b)), p), promote_types(a.dtype(), b.dtype()));
}

Tensor cdist(const Tensor& a, const Tensor& b, double p) {
  IOLAUS_CHECK(a.dim() >= 2 && b.dim() >= 2 && a.size(-1) == b.size(-1),
               "[cdist] expected rows of one length, got {} and {}", a.describe(), b.describe());
  IOLAUS_CHECK(p >= 0, "[cdist] expected p >= 0, got {}", p);
  const Tensor differences = sub(unsqueeze(a, -2), unsqueeze(b, -3));
  if (a.size(-1) > 0) return vector_norm(differences, p, {-1});
  return sum(differences, {-1});
}

Tensor trapezoid(const Tensor& y, const Tensor& x, int64_t dim) {
  const int d = wrap_dim("trapezoid", dim, y.dim());
  IOLAUS_CHECK(y.dim() > 0, "[trapezoid] expected at least one dimension, got {}", y.describe());
  if (y.sizes()[d] == 0) return sum(y, {d});
  Tensor places = x;
  if (x.dim() == 1) {
    IOLAUS_CHECK(x.numel() == y.sizes()[d],
                 "[trapezoid] expected as many points as values along dimension {}, got {} and {}",
                 d, x.describe(), y.describe());
    Dims shape = Dims::filled(y.sizes().size(), 1);
    shape[static_cast<size_t>(d)] = x.numel();
    places = reshape(x, shape);
  } else {
    while (places.dim() < y.dim()) places = unsqueeze(places, 0);
  }
  const Tensor widths = sub(later(places, d), earlier(places, d));
  return div(sum(mul(widths, add(later(y, d), earlier(y, d))), {d}), 2.0);
}

Tensor trapezoid(const Tensor& y, double dx, int64_t dim) {
  const int d = wrap_dim("trapezoid", dim, y.dim());
  IOLAUS_CHECK(y.dim() > 0, "[trapezoid] expected at least one dimension, got {}", y.describe());
  if (y.sizes()[d] == 0) return sum(y, {d});
  return mul(sum(add(later(y, d), earlier(y, d)), {d}), dx / 2);
}

Tensor quantile(const Tensor& x, const Tensor& q, std::optional<int64_t> dim, bool keepdim,
                const std::string& mode) {
  IOLAUS_CHECK(x.numel() > 0, "[quantile] expected a tensor with elements, got {}", x.describe());
  IOLAUS_CHECK_CODE((x.dtype() == kFloat32 || x.dtype() == kFloat64) && q.dtype() == x.dtype(),
                    ErrorCode::kType,
                    "[quantile] expected float32 or float64 of one kind, got {} and {}",
                    x.describe(), q.describe());
  IOLAUS_CHECK(q.dim() <= 1, "[quantile] expected a share or a vector of them, got {}",
               q.describe());
  IOLAUS_CHECK(all(logical_and(ge(q.detach(), 0), le(q.detach(), 1))).item<bool>(),
               "[quantile] expected shares in [0, 1]");
  IOLAUS_CHECK(mode == "linear" || mode == "lower" || mode == "higher" || mode == "nearest" ||
                   mode == "midpoint",
               "[quantile] expected interpolation linear, lower, higher, nearest or midpoint, "
               "got '{}'",
               mode);
  const bool along = dim && x.dim() > 0;
  const int d = dim ? wrap_dim("quantile", *dim, x.dim()) : 0;
  const Tensor rows = sort(along ? movedim(x, {d}, {-1}) : reshape(x, {-1}), -1).first;  // (..., n)
  const int64_t n = rows.size(-1);
  Tensor place = reshape(mul(q, n - 1), {-1});
  if (mode == "lower") place = floor(place);
  if (mode == "higher") place = ceil(place);
  if (mode == "nearest") place = round(place);
  const Tensor first = floor(place.detach());
  const Tensor low = index_select(rows, -1, to(first, kInt64));
  const Tensor high = index_select(rows, -1, to(ceil(place.detach()), kInt64));
  const Tensor weight = mode == "midpoint" ? full_like(first, 0.5) : sub(place, first);
  const Tensor last = narrow(rows, -1, n - 1, 1);                  // NaN where the row has one
  Tensor out = where(isnan(last), last, lerp(low, high, weight));  // (..., count)
  if (keepdim && along) out = unsqueeze(out, d);
  if (keepdim && !along) {
    Dims sizes = Dims::filled(x.sizes().size() + 1, 1);
    sizes[x.sizes().size()] = out.numel();
    out = reshape(out, sizes);
  }
  out = movedim(out, {-1}, {0});
  return q.dim() == 0 ? squeeze(out, 0) : out;
}

}  // namespace iolaus
