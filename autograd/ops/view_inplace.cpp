// Views in place: x takes the geometry and the history of its view, under the same handle.
#include "autograd/meta.h"
#include "autograd/op_table.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/view.h"

namespace iolaus {
namespace {

const Tensor& become(const char* name, const Tensor& x, Tensor (*fn)(const Tensor&, const Dims&),
                     const Dims& dims) {
  IOLAUS_CHECK(!grad_enabled() || !x.requires_grad() || !x.is_leaf(),
               "[{}] a leaf that requires a gradient cannot be changed in place; use NoGrad", name);
  const Tensor seen = fn(x, dims);
  if (seen.is_same(x)) return x;
  autograd::Edge edge;
  if (grad_enabled() && x.requires_grad()) edge = autograd::gradient_edge(seen);
  x.set_data(seen);
  x.bump_version();  // a saved handle of x would show the new shape
  if (autograd::Meta* m = autograd::find_meta(x); m != nullptr && edge.node) {
    m->grad_fn = edge.node;
    m->output = edge.output;
    if (m->view) m->view->version = x.version();
  }
  return x;
}

const bool kBoxed = boxed("squeeze_(Tensor input) -> Tensor",
                          static_cast<const Tensor& (*)(const Tensor&)>(squeeze_)) &&
                    boxed("squeeze_(Tensor input, int dim) -> Tensor",
                          static_cast<const Tensor& (*)(const Tensor&, int64_t)>(squeeze_)) &&
                    boxed("unsqueeze_(Tensor input, int dim) -> Tensor", unsqueeze_) &&
                    boxed("transpose_(Tensor input, int dim0, int dim1) -> Tensor", transpose_) &&
                    boxed("t_(Tensor input) -> Tensor", t_);

}  // namespace

const Tensor& squeeze_(const Tensor& x) {
  return become("squeeze_", x, [](const Tensor& y, const Dims&) { return squeeze(y); }, {});
}
const Tensor& squeeze_(const Tensor& x, int64_t dim) {
  return become("squeeze_", x, [](const Tensor& y, const Dims& d) { return squeeze(y, d[0]); },
                {dim});
}
const Tensor& unsqueeze_(const Tensor& x, int64_t dim) {
  return become("unsqueeze_", x, [](const Tensor& y, const Dims& d) { return unsqueeze(y, d[0]); },
                {dim});
}
const Tensor& transpose_(const Tensor& x, int64_t dim0, int64_t dim1) {
  return become("transpose_", x,
                [](const Tensor& y, const Dims& d) { return transpose(y, d[0], d[1]); },
                {dim0, dim1});
}
const Tensor& t_(const Tensor& x) {
  return become("t_", x, [](const Tensor& y, const Dims&) { return t(y); }, {});
}

}  // namespace iolaus
