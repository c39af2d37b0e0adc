// cat and stack: parts are copied into place; gradients are slices.
#include "autograd/autocast.h"
#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "core/views.h"
#include "kernels/copy/copy.h"

namespace iolaus {
namespace {

const bool kRegistered = register_op(
    {"cat", [] {
       return std::vector<OpSample>{
           {"cat",
            {sample64({2, 3}, 1), sample64({2, 1}, 2), sample64({2, 4}, 3), sample64({2, 0}, 4)},
            [](const Tensors& x) { return cat(x, -1); }},
           {"stack", {sample64({2, 3}, 1), sample64({2, 3}, 2)}, [](const Tensors& x) {
              return stack(x, 1);
            }}};
     }});

const bool kBoxed = boxed("cat(Tensor[] tensors, int dim=0) -> Tensor", cat) &&
                    boxed("stack(Tensor[] tensors, int dim=0) -> Tensor", stack);

// Tensors of shape [0] fit any others, whatever those look like; PyTorch inherited this from Torch.
bool is_nothing(const Tensor& x) { return x.dim() == 1 && x.numel() == 0; }

}  // namespace

Tensor cat(const Tensors& tensors, int64_t dim) {
  if (autocast::on()) return autocast::call("cat", cat, tensors, dim);
  IOLAUS_CHECK(!tensors.empty(), "[cat] expected at least one tensor");
  const auto something = std::find_if_not(tensors.begin(), tensors.end(), is_nothing);
  const Tensor& first = something == tensors.end() ? tensors[0] : *something;
  IOLAUS_CHECK(first.dim() > 0, "[cat] 0-dim tensors cannot be concatenated; use stack");
  const int d = wrap_dim("cat", dim, first.dim());
  Dims sizes = first.sizes();
  sizes[d] = 0;
  DType dtype = first.dtype();
  std::vector<int64_t> lengths;  // -1: nothing
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& x = tensors[i];
    IOLAUS_CHECK(x.defined(), "[cat] expected tensors, got none at position {}", i);
    dtype = promote_types(dtype, x.dtype());
    if (is_nothing(x)) {
      lengths.push_back(-1);
      continue;
    }
    bool fits = x.dim() == first.dim() && x.device() == first.device();
    for (int k = 0; fits && k < first.dim(); ++k) {
      fits = k == d || x.sizes()[k] == first.sizes()[k];
    }
    IOLAUS_CHECK(fits, "[cat] tensor {} is {}, which does not fit tensor 0, {}, along dimension {}",
                 i, x.describe(), first.describe(), d);
    lengths.push_back(x.sizes()[d]);
    IOLAUS_CHECK(!__builtin_add_overflow(sizes[d], lengths.back(), &sizes[d]),
                 "[cat] dimension {} becomes too large with tensor {}, {}", d, i, x.describe());
  }
  Tensor out;
  if (std::none_of(tensors.begin(), tensors.end(), detail::overwritten)) {
    out = detail::claim("cat", sizes, dtype, first.device());
  }
  if (!out.defined()) out = empty(sizes, {.dtype = dtype, .device = first.device()});
  int64_t start = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (lengths[i] < 0) continue;
    copy(tensors[i], views::narrow(out, d, start, lengths[i]));
    start += lengths[i];
  }
  if (autograd::needs_grad(std::span<const Tensor>(tensors))) {
    std::vector<DType> dtypes;
    for (const Tensor& x : tensors) dtypes.push_back(x.dtype());
    record("cat", out, autograd::edges(std::span<const Tensor>(tensors)),
           [d, lengths, dtypes = std::move(dtypes)](const Node& n, const Tensor& g) {
             Tensors grads(lengths.size());
             int64_t at = 0;
             for (size_t i = 0; i < lengths.size(); ++i) {
               if (lengths[i] < 0) continue;
               if (n.needs(i)) grads[i] = to(narrow(g, d, at, lengths[i]), dtypes[i]);
               at += lengths[i];
             }
             return grads;
           });
  }
  return out;
}

Tensor stack(const Tensors& tensors, int64_t dim) {
  if (autocast::on()) return autocast::call("stack", stack, tensors, dim);
  IOLAUS_CHECK(!tensors.empty(), "[stack] expected at least one tensor");
  Tensors parts;
  for (const Tensor& x : tensors) {
    IOLAUS_CHECK(x.sizes() == tensors[0].sizes(), "[stack] shapes {} and {} differ",
                 tensors[0].sizes().str(), x.sizes().str());
    parts.push_back(unsqueeze(x, dim));
  }
  return cat(parts, tensors.empty() ? 0 : wrap_dim("stack", dim, tensors[0].dim() + 1));
}

}  // namespace iolaus
