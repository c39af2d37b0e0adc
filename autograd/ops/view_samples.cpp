// Samples of the view ops, each also with an in-place change through the view.
#include "autograd/op_registry.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/view.h"

namespace iolaus {
namespace {

using ViewFn = Tensor (*)(const Tensor&);

// The view itself, and y = clone(x); view(y) *= w; y, whose gradient passes through CopySlices.
std::vector<OpSample> both(const Dims& sizes, ViewFn fn, bool overlaps = false) {
  std::vector<OpSample> samples{
      {"view", {sample64(sizes, 1)}, [fn](const Tensors& x) { return fn(x[0]); }}};
  if (overlaps) return samples;
  samples.push_back({"in place", {sample64(sizes, 2), sample64({}, 3)}, [fn](const Tensors& x) {
                       Tensor y = clone(x[0]);
                       mul_(fn(y), x[1]);
                       return y;
                     }});
  return samples;
}

bool add(const char* name, const Dims& sizes, ViewFn fn, bool overlaps = false) {
  return register_op({name, [=] { return both(sizes, fn, overlaps); }});
}
// as_strided reads memory by position, whatever the strides of x.
bool add_by_memory(const char* name, const Dims& sizes, ViewFn fn, bool overlaps = false) {
  return register_op({name, [=] {
                        std::vector<OpSample> samples = both(sizes, fn, overlaps);
                        for (OpSample& sample : samples) sample.layout_matters = true;
                        return samples;
                      }});
}

const bool kRegistered =
    add_by_memory("as_strided", {3, 4},
                  [](const Tensor& x) {
                    return as_strided(x, {2, 3}, {4, 1}, 1);
                  }) &&
    add_by_memory(
        "as_strided_overlap", {3, 4},
        [](const Tensor& x) {
          return as_strided(x, {3, 3, 2}, {2, 1, 0}, 1);
        },
        true) &&
    add("view", {3, 4},
        [](const Tensor& x) {
          return view(x, {2, -1});
        }) &&
    add("reshape", {3, 4},
        [](const Tensor& x) {
          return reshape(x, {6, 2});
        }) &&
    add(
        "reshape_copy", {3, 4}, [](const Tensor& x) { return reshape(transpose(x, 0, 1), {12}); },
        true) &&
    add("flatten", {2, 3, 4}, [](const Tensor& x) { return flatten(x, 1); }) &&
    add("transpose", {2, 3, 4}, [](const Tensor& x) { return transpose(x, 0, -1); }) &&
    add("permute", {2, 3, 4},
        [](const Tensor& x) {
          return permute(x, {2, 0, 1});
        }) &&
    add(
        "expand", {3, 1},
        [](const Tensor& x) {
          return expand(x, {2, -1, 4});
        },
        true) &&
    add("squeeze", {3, 1, 2}, [](const Tensor& x) { return squeeze(x); }) &&
    add("squeeze_dim", {3, 1, 2}, [](const Tensor& x) { return squeeze(x, 1); }) &&
    add("unsqueeze", {3, 2}, [](const Tensor& x) { return unsqueeze(x, -1); }) &&
    add("select", {3, 4}, [](const Tensor& x) { return select(x, 1, -2); }) &&
    add("slice", {7, 2}, [](const Tensor& x) { return slice(x, 0, 1, 6, 2); }) &&
    add("narrow", {5, 4}, [](const Tensor& x) { return narrow(x, 0, 1, 3); }) &&
    add(
        "unfold", {7, 2}, [](const Tensor& x) { return unfold(x, 0, 3, 2); }, true) &&
    add("diagonal", {4, 5}, [](const Tensor& x) { return diagonal(x, 1); });

}  // namespace
}  // namespace iolaus
