// with_dense: runs a kernel that knows only contiguous float32 and float64 on any arguments:
// tensors that differ are converted before, and the outputs back afterwards.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/copy/copy.h"

namespace iolaus {

inline bool is_dense(const Tensor& t) {
  return !t.defined() || (t.is_contiguous() && item_size(t.dtype()) >= 4);
}

template <class Args, class Fn> void with_dense(const Args& args, Fn&& fn) {
  bool dense = true;
  Args copy_of = args;
  copy_of.visit([&](const char*, Tensor& t, Role) { dense = dense && is_dense(t); });
  if (dense) return fn(args);
  std::vector<std::pair<Tensor, Tensor>> outputs;  // where it is computed, where it belongs
  copy_of.visit([&](const char*, Tensor& t, Role role) {
    if (is_dense(t)) return;
    const Tensor original = t;
    t = empty(t.sizes(), {.dtype = t.dtype() == kFloat64 ? kFloat64 : kFloat32});
    role == Role::kOut ? outputs.emplace_back(t, original), void() : copy(original, t);
  });
  fn(copy_of);
  for (const auto& [from, to] : outputs) copy(from, to);
}

}  // namespace iolaus
