// Clipping and unscaling of gradients, one kernel call for each dtype and device.
#include "nn/optim/clip.h"

#include <cmath>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
#include "kernels/optimizer/optimizer.h"

namespace iolaus::nn {
namespace {

// The gradients by dtype and device: nearly always one list. They are changed in place.
std::vector<TensorList> gradient_lists(const Tensors& params) {
  std::vector<TensorList> lists;
  for (const Tensor& p : params) {
    Tensor g = p.grad();
    if (!g.defined()) continue;
    const bool dense = g.is_contiguous() || empty_like(g).strides() == g.strides();
    if (!dense) {
      g = contiguous(g);
      p.set_grad(g);
    }
    auto list = std::find_if(lists.begin(), lists.end(), [&](const TensorList& l) {
      return l.element == g.dtype() && l.target == g.device();
    });
    if (list == lists.end()) {
      lists.emplace_back();
      list = lists.end() - 1;
      list->element = list->compute = g.dtype();
      list->target = g.device();
    }
    list->items.push_back({g.raw_data(), g.numel()});
    g.bump_version();
  }
  return lists;
}

TensorOptions scalar_options(const TensorList& list) {
  return {.dtype = list.stat_dtype(), .device = list.device()};
}

Tensor norm_of(TensorList list, double order) {
  const Tensor norm = empty({}, scalar_options(list));
  list.scalar = norm.raw_data();
  list.order = order;
  grad_norm_kernels()(list);
  return norm;
}

// The norm of norms, which is that of everything: on the device and in the dtype of the first.
Tensor join_norms(const Tensors& norms, double order) {
  if (norms.size() == 1) return norms[0];
  Tensors moved;
  for (const Tensor& n : norms) moved.push_back(to(n, norms[0].dtype(), norms[0].device()));
  const Tensor all = stack(moved);
  TensorList list;
  list.element = list.compute = all.dtype();
  list.target = all.device();
  list.items = {{all.raw_data(), all.numel()}};
  return norm_of(list, order);
}

void scale(TensorList list, const Tensor& factor, const Tensor& found_inf) {
  list.scales = true;
  list.scalar = factor.raw_data();
  if (found_inf.defined()) list.found_inf = found_inf.raw_data();
  grad_scale_kernels()(list);
}

}  // namespace

Tensor clip_grad_norm_(const Tensors& params, double max_norm, const ClipOptions& options) {
  const double order = options.norm_type;
  IOLAUS_CHECK(order > 0, "[clip_grad_norm_] expected a norm_type above 0, got {}", order);
  const NoGrad no_grad;
  const std::vector<TensorList> lists = gradient_lists(params);
  if (lists.empty()) return zeros({});
  Tensors norms;
  for (const TensorList& list : lists) norms.push_back(norm_of(list, order));
  const Tensor total = join_norms(norms, order);
  if (options.error_if_nonfinite) {
    const double norm = total.item<double>();
    IOLAUS_CHECK(std::isfinite(norm),
                 "[clip_grad_norm_] expected gradients of finite norm, got a norm of order {} of "
                 "{}",
                 order, norm);
  }
  // min(1, max_norm / (norm + 1e-6)), computed on the device.
  const Tensor factor = minimum(div(max_norm, add(total, 1e-6)), ones_like(total));
  for (const TensorList& list : lists) {
    scale(list, to(factor, list.stat_dtype(), list.device()), {});
  }
  return total;
}

void clip_grad_value_(const Tensors& params, double clip_value) {
  IOLAUS_CHECK(clip_value >= 0, "[clip_grad_value_] expected a clip_value of at least 0, got {}",
               clip_value);
  for (TensorList& list : gradient_lists(params)) {
    list.clamps = true;
    list.limit = clip_value;
    grad_clamp_kernels()(list);
  }
}

void unscale_(const Tensors& params, const Tensor& inverse_scale, const Tensor& found_inf) {
  for (const Tensor* t : {&inverse_scale, &found_inf}) {
    IOLAUS_CHECK(t->numel() == 1 && t->dtype() == kFloat32,
                 "[unscale_] expected inverse_scale and found_inf of one float32 number, got {}",
                 t->describe());
  }
  const NoGrad no_grad;
  for (const TensorList& list : gradient_lists(params)) {
    const Tensor factor = to(inverse_scale, list.stat_dtype(), list.device());
    const Tensor found = to(found_inf, list.stat_dtype(), list.device());
    scale(list, factor, found);
    if (!found.is_same(found_inf))
      copy_(found_inf, maximum(found_inf, to(found, kFloat32, found_inf.device())));
  }
}

}  // namespace iolaus::nn
