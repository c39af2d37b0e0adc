// Ranges and identity matrices.
#include "autograd/ops/create.h"

#include <cmath>

#include "autograd/forms.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "core/views.h"
#include "kernels/range/range.h"

namespace iolaus {
namespace {

Tensor place(const char* op, int64_t n, DType dtype, Device device) {
  Tensor out;
  if (detail::t_destination && detail::t_destination->out->is_contiguous()) {
    out = detail::claim(op, {n}, dtype, device);
  }
  return out.defined() ? out : empty({n}, {.dtype = dtype, .device = device});
}
Tensor range(int64_t n, DType dtype, Device device, const IntegerSteps& steps) {
  const Range r = {place("arange", n, dtype, device), true, steps, {}};
  range_kernels()(r);
  return r.out;
}
Tensor range(const char* op, int64_t n, DType dtype, Device device, const RealSteps& steps) {
  const Range r = {place(op, n, dtype, device), false, {}, steps};
  range_kernels()(r);
  return r.out;
}

using OptionalDType = std::optional<DType>;
TensorOptions options(OptionalDType dtype, Device device, DType otherwise = kFloat32) {
  return {.dtype = dtype.value_or(otherwise), .device = device};
}
DType kind_of(Scalar value) { return value.is_floating() ? kFloat32 : value.dtype(); }
Tensor like(const Tensor& x, OptionalDType dtype, Scalar value) {
  return to(full_like(to(x.detach(), dtype.value_or(x.dtype())), value), dtype.value_or(x.dtype()));
}

const bool kBoxed =
    boxed(
        "zeros(int[] size, *, dtype? dtype=None, device device=cpu) -> Tensor",
        +[](const Dims& sizes, OptionalDType dtype, Device device) {
          return zeros(sizes, options(dtype, device));
        }) &&
    boxed(
        "ones(int[] size, *, dtype? dtype=None, device device=cpu) -> Tensor",
        +[](const Dims& sizes, OptionalDType dtype, Device device) {
          return ones(sizes, options(dtype, device));
        }) &&
    boxed(
        "full(int[] size, Scalar fill_value, *, dtype? dtype=None, device device=cpu) -> Tensor",
        +[](const Dims& sizes, Scalar value, OptionalDType dtype, Device device) {
          return full(sizes, value, options(dtype, device, kind_of(value)));
        }) &&
    boxed(
        "zeros_like(Tensor input, *, dtype? dtype=None) -> Tensor",
        +[](const Tensor& x, OptionalDType dtype) { return like(x, dtype, 0); }) &&
    boxed(
        "ones_like(Tensor input, *, dtype? dtype=None) -> Tensor",
        +[](const Tensor& x, OptionalDType dtype) { return like(x, dtype, 1); }) &&
    boxed(
        "full_like(Tensor input, Scalar fill_value, *, dtype? dtype=None) -> Tensor",
        +[](const Tensor& x, Scalar value, OptionalDType dtype) {
          return like(x, dtype, value);
        }) &&
    boxed(
        "arange(Scalar end, *, dtype? dtype=None, device device=cpu) -> Tensor",
        +[](Scalar end, OptionalDType dtype, Device device) {
          return arange(0, end, 1, dtype, device);
        }) &&
    boxed(
        "arange(Scalar start, Scalar end, Scalar step=1, *, dtype? dtype=None, device device=cpu) "
        "-> Tensor",
        +[](Scalar start, Scalar end, Scalar step, OptionalDType dtype, Device device) {
          return arange(start, end, step, dtype, device);
        }) &&
    boxed(
        "linspace(float start, float end, int steps, *, dtype? dtype=None, device device=cpu) -> "
        "Tensor",
        +[](double start, double end, int64_t steps, OptionalDType dtype, Device device) {
          return linspace(start, end, steps, options(dtype, device));
        }) &&
    boxed(
        "eye(int n, *, dtype? dtype=None, device device=cpu) -> Tensor",
        +[](int64_t n, OptionalDType dtype, Device device) {
          return eye(n, {}, options(dtype, device));
        }) &&
    boxed(
        "eye(int n, int m, *, dtype? dtype=None, device device=cpu) -> Tensor",
        +[](int64_t n, int64_t m, OptionalDType dtype, Device device) {
          return eye(n, m, options(dtype, device));
        });

}  // namespace

Tensor arange(Scalar start, Scalar end, Scalar step, std::optional<DType> dtype, Device device) {
  const bool real = start.is_floating() || end.is_floating() || step.is_floating();
  const DType target = dtype.value_or(real ? kFloat32 : kInt64);
  const double from = start.to<double>(), until = end.to<double>(), by = step.to<double>();
  IOLAUS_CHECK(by != 0 && std::isfinite(from) && std::isfinite(until),
               "[arange] expected finite limits and a step other than 0, got {}, {} and {}", from,
               until, by);
  IOLAUS_CHECK((until - from) * by >= 0, "[arange] no step of {} leads from {} to {}", by, from,
               until);
  const double count = std::ceil((until - from) / by);
  IOLAUS_CHECK(count <= 1e15, "[arange] {} elements are too many", count);
  const auto n = static_cast<int64_t>(count);
  if (!real) return range(n, target, device, IntegerSteps{start.to<int64_t>(), step.to<int64_t>()});
  if (!is_floating(target)) {  // PyTorch cuts start and step to integers first
    return range(n, target, device,
                 IntegerSteps{static_cast<int64_t>(from), static_cast<int64_t>(by)});
  }
  return range("arange", n, target, device, RealSteps{from, by, until, n});
}

Tensor arange(int64_t n, DType dtype, Device device) { return arange(0, n, 1, dtype, device); }

Tensor linspace(double start, double end, int64_t steps, const TensorOptions& options) {
  IOLAUS_CHECK(steps >= 0, "[linspace] expected steps >= 0, got {}", steps);
  if (!is_floating(options.dtype)) {  // PyTorch cuts the ends to integers first
    start = std::trunc(start);
    end = std::trunc(end);
  }
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  const Tensor out = range("linspace", steps, options.dtype, options.device,
                           RealSteps{start, step, end, steps - steps / 2});
  return options.requires_grad ? out.set_requires_grad() : out;
}

Tensor eye(int64_t n, std::optional<int64_t> m, const TensorOptions& options) {
  const int64_t columns = m.value_or(n);
  IOLAUS_CHECK(n >= 0 && columns >= 0, "[eye] expected sizes >= 0, got {} and {}", n, columns);
  TensorOptions plain = options;
  plain.requires_grad = false;
  const Tensor out = zeros({n, columns}, plain);
  if (n > 0 && columns > 0) fill_(views::diagonal(out), 1);
  return options.requires_grad ? out.set_requires_grad() : out;
}

}  // namespace iolaus
