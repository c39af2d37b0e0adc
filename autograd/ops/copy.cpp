// Copies, casts and fills: the gradient of a copy is a copy back.
#include "autograd/ops/copy.h"

#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/reduce.h"
#include "autograd/record.h"
#include "kernels/copy/copy.h"

namespace iolaus {
namespace {

// A copy of x with another layout, dtype or device.
Tensor copied(const char* name, const Tensor& x, const Tensor& out, bool non_blocking = false) {
  copy(x, out, non_blocking);
  if (needs_grad(x) && is_floating(out.dtype())) {
    record(name, out, edges(x),
           [dtype = x.dtype(), device = x.device()](const Node&, const Tensor& g) {
             return to(g, dtype, device);
           });
  }
  return out;
}

const bool kRegistered = register_op(
    {"copy", [] {
       return std::vector<OpSample>{
           {"clone", {sample64({3, 4}, 1)}, [](const Tensors& x) { return clone(x[0]); }},
           {"contiguous",
            {sample64({3, 4}, 2, -1, 1, true)},
            [](const Tensors& x) { return contiguous(x[0]); }},
           {"channels last",
            {sample64({2, 3, 4, 5}, 3)},
            [](const Tensors& x) { return contiguous(x[0], MemoryFormat::kChannelsLast); }},
           {"copy_",
            {sample64({3, 4}, 4), sample64({4}, 5)},
            [](const Tensors& x) {
              Tensor y = clone(x[0]);
              copy_(y, x[1]);
              return y;
            }},
           {"fill_", {sample64({3, 4}, 6)}, [](const Tensors& x) {
              Tensor y = clone(x[0]);
              fill_(y, 2.5);
              return y;
            }}};
     }});

const bool kBoxed =
    boxed("clone(Tensor input) -> Tensor", clone) &&
    boxed(
        "contiguous(Tensor input) -> Tensor", +[](const Tensor& x) { return contiguous(x); }) &&
    boxed(
        "to(Tensor input, dtype dtype) -> Tensor",
        +[](const Tensor& x, DType dtype) { return to(x, dtype); }) &&
    boxed("copy_(Tensor input, Tensor src) -> Tensor", copy_) &&
    boxed("fill_(Tensor input, Scalar value) -> Tensor",
          static_cast<const Tensor& (*)(const Tensor&, Scalar)>(fill_)) &&
    boxed("fill_(Tensor input, Tensor value) -> Tensor",
          static_cast<const Tensor& (*)(const Tensor&, const Tensor&)>(fill_)) &&
    boxed("zero_(Tensor input) -> Tensor", zero_) &&
    boxed("fill(Tensor input, Scalar value) -> Tensor", full_like) &&
    boxed(
        "fill(Tensor input, Tensor value) -> Tensor", +[](const Tensor& x, const Tensor& value) {
          IOLAUS_CHECK(value.dim() == 0, "[fill] expected a 0-dim value, got {}", value.describe());
          const Tensor out = empty_like(x.detach());
          copy_(out, value);
          return out;
        });

}  // namespace

Tensor clone(const Tensor& x) { return copied("clone", x, empty_like(x)); }

Tensor contiguous(const Tensor& x, MemoryFormat format) {
  if (x.is_contiguous(format)) return x;
  TensorOptions options = x.options();
  options.memory_format = format;
  return copied("contiguous", x, empty(x.sizes(), options));
}

Tensor to(const Tensor& x, DType dtype, Device device, bool non_blocking) {
  if (x.dtype() == dtype && x.device() == device) return x;
  const bool pinned = non_blocking && device.is_cpu() && x.device().is_cuda();
  // The host could not convert what is not there yet.
  if (pinned && x.dtype() != dtype) return to(to(x, dtype), device, true);
  const Tensor out = empty_strided(x.sizes(), empty_like(x).strides(),
                                   {.dtype = dtype, .device = device, .pinned = pinned});
  return copied("to", x, out, non_blocking);
}
Tensor to(const Tensor& x, DType dtype) { return to(x, dtype, x.device()); }
Tensor to(const Tensor& x, Device device, bool non_blocking) {
  return to(x, x.dtype(), device, non_blocking);
}

Tensor pin_memory(const Tensor& x) {
  if (x.is_pinned()) return x;
  IOLAUS_CHECK(x.device().is_cpu(), "[pin_memory] expected a tensor on the CPU, got {}",
               x.describe());
  const Tensor out =
      empty_strided(x.sizes(), empty_like(x).strides(), {.dtype = x.dtype(), .pinned = true});
  return copied("pin_memory", x, out);
}

const Tensor& copy_(const Tensor& x, const Tensor& src) {
  autograd::check_inplace("copy_", x);
  const bool tracked = needs_grad(x, src);
  copy(src, x);
  x.bump_version();
  if (tracked) {
    autograd::rebase_history(
        x, autograd::make_node("copy_", edges(x, src),
                               [sizes = src.sizes(), dtype = src.dtype(), device = src.device()](
                                   const Node& n, const Tensor& g) {
                                 return std::array{
                                     n.needs(0) ? zeros_like(g) : Tensor(),
                                     n.needs(1) ? to(sum_to(g, sizes), dtype, device) : Tensor()};
                               }));
  }
  return x;
}

const Tensor& fill_(const Tensor& x, Scalar value) {
  autograd::check_inplace("fill_", x);
  const bool tracked = needs_grad(x);
  fill(x, value);
  x.bump_version();
  if (tracked) {
    autograd::rebase_history(
        x, autograd::make_node("fill_", edges(x),
                               [](const Node&, const Tensor& g) { return zeros_like(g); }));
  }
  return x;
}
const Tensor& fill_(const Tensor& x, const Tensor& value) {
  IOLAUS_CHECK(value.dim() == 0, "[fill_] expected a 0-dim value, got {}", value.describe());
  return copy_(x, value);
}
const Tensor& zero_(const Tensor& x) { return fill_(x, 0); }

Tensor full(const Dims& sizes, Scalar value, const TensorOptions& options) {
  Tensor out = detail::claim("full", sizes, options.dtype, options.device);
  if (!out.defined()) out = empty(sizes, options);
  fill(out, value);
  return out;
}
Tensor zeros(const Dims& sizes, const TensorOptions& options) { return full(sizes, 0, options); }
Tensor ones(const Dims& sizes, const TensorOptions& options) { return full(sizes, 1, options); }

Tensor full_like(const Tensor& x, Scalar value) {
  Tensor out = empty_like(x);
  fill(out, value);
  return out;
}
Tensor zeros_like(const Tensor& x) { return full_like(x, 0); }
Tensor ones_like(const Tensor& x) { return full_like(x, 1); }
Tensor scalar_tensor(Scalar value, const TensorOptions& options) {
  return full({}, value, options);
}

}  // namespace iolaus
