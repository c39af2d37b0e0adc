// In-place and out= forms: checks before the op, and where its result goes after it.
#include "autograd/forms.h"

#include <algorithm>

#include "autograd/meta.h"
#include "autograd/record.h"
#include "kernels/copy/copy.h"

namespace iolaus::detail {
namespace {

bool same_elements(const Tensor& a, const Tensor& b) {
  return a.storage() == b.storage() && a.offset() == b.offset() && a.sizes() == b.sizes() &&
         a.strides() == b.strides() && a.dtype() == b.dtype();
}

// Whether the elements fill a range without gaps and without sharing memory.
bool is_dense(const Tensor& x) {
  std::vector<std::pair<int64_t, int64_t>> dims;  // stride, size
  for (size_t d = 0; d < x.sizes().size(); ++d) {
    if (x.sizes()[d] != 1) dims.emplace_back(x.strides()[d], x.sizes()[d]);
  }
  std::sort(dims.begin(), dims.end());
  int64_t step = 1;
  for (const auto& [stride, size] : dims) {
    if (stride != step) return false;
    step *= size;
  }
  return true;
}

bool ranges_meet(const Tensor& a, const Tensor& b) {
  const auto range = [](const Tensor& x) {
    int64_t last = x.offset();
    for (size_t d = 0; d < x.sizes().size(); ++d) last += (x.sizes()[d] - 1) * x.strides()[d];
    const auto width = static_cast<int64_t>(item_size(x.dtype()));
    return std::pair(x.offset() * width, (last + 1) * width);
  };
  const auto [a0, a1] = range(a);
  const auto [b0, b1] = range(b);
  return a.numel() > 0 && b.numel() > 0 && a0 < b1 && b0 < a1;
}

// What a kernel wrote would be read by it as another element. As PyTorch, only dense memory is
// looked at: columns of one matrix may be added to each other.
void check_overlap(std::string_view name, const Tensor& to, const Tensor& from) {
  if (to.storage() != from.storage() || same_elements(to, from) || !ranges_meet(to, from)) return;
  IOLAUS_CHECK(!is_dense(to) || !is_dense(from),
               "[{}] {} is written while an input, {}, is read, and they share some elements in "
               "another order; clone() the input first",
               name, to.describe(), from.describe());
}

// A source for a copy into x, which may be another view of x's memory.
Tensor apart(const Tensor& source, const Tensor& x) {
  const Tensor plain = source.detach();
  return source.storage() == x.storage() ? clone(plain) : plain;
}

bool can_hold(DType dtype, DType result) {
  if (is_floating(result)) return is_floating(dtype);
  return result == kBool || dtype != kBool;
}

// The result's history becomes that of x.
void take_history(const char* name, const Tensor& x, const Tensor& result) {
  using namespace autograd;
  if (!result.requires_grad()) {
    if (!x.requires_grad()) return;
    return rebase_history(
        x, make_node(name, edges(x), [](const Node&, const Tensor& g) { return zeros_like(g); }));
  }
  const Edge edge = gradient_edge(result);
  Meta& m = meta(x);
  if (!m.view && !result.is_leaf()) {
    m.grad_fn = edge.node;
    m.output = edge.output;
    x.impl()->requires_grad = true;
    return;
  }
  // Of what x was before nothing is left, but through the result.
  rebase_history(x, make_node(name, std::array{Edge(), edge}, [](const Node&, const Tensor& g) {
                   return std::array{Tensor(), g};
                 }));
}

std::span<const Tensor* const> check_out(const OpForm& form, const Tensor& out,
                                         std::span<const Tensor* const> inputs) {
  IOLAUS_CHECK(out.defined(), "[{}] out is undefined", form.op);
  bool wanted = out.requires_grad();
  for (const Tensor* x : inputs) wanted = wanted || x->requires_grad();
  IOLAUS_CHECK(!wanted || !grad_enabled(),
               "[{}] calls with out record no gradients, but an argument requires one; use NoGrad, "
               "or leave out away",
               form.op);
  for (size_t d = 0; d < out.sizes().size(); ++d) {
    IOLAUS_CHECK(out.strides()[d] != 0 || out.sizes()[d] <= 1,
                 "[{}] cannot write into {}: dimension {} is expanded, so its elements share "
                 "memory",
                 form.op, out.describe(), d);
  }
  for (const Tensor* x : inputs) check_overlap(form.op, out, *x);
  return inputs;
}

}  // namespace

Tensor claim_destination(std::string_view kernel, const Dims& sizes, DType dtype, Device device) {
  Destination& d = *t_destination;
  const Tensor& out = *d.out;
  if (d.claimed || d.kernel != kernel || out.dtype() != dtype || out.device() != device ||
      !(out.sizes() == sizes)) {
    return Tensor();
  }
  d.claimed = true;
  out.bump_version();  // now: what the op saves of its result has the new version
  return d.tracked ? out.detach() : out;
}

bool FormScope::arrived(const Tensor& result) const {
  return result.is_same(*destination_.out) || same_elements(result, *destination_.out);
}

void FormScope::check_result(std::string_view name, const Tensor& result, bool any_shape) const {
  const Tensor& out = *destination_.out;
  IOLAUS_CHECK(result.device() == out.device(), "[{}] the result is {}, which {} cannot hold", name,
               result.describe(), out.describe());
  IOLAUS_CHECK(any_shape || result.sizes() == out.sizes(),
               "[{}] the result has shape {}, which {} cannot hold", name, result.sizes().str(),
               out.describe());
  IOLAUS_CHECK_CODE(can_hold(out.dtype(), result.dtype()), ErrorCode::kType,
                    "[{}] the result is {}, which {} cannot hold", name, dtype_name(result.dtype()),
                    out.describe());
}

InPlaceScope::InPlaceScope(const OpForm& form, const Tensor& x,
                           std::span<const Tensor* const> inputs)
    : FormScope(form, x) {
  IOLAUS_CHECK(x.defined(), "[{}] the tensor is undefined", form.name);
  autograd::check_inplace(form.name, x);
  bool tracked = x.requires_grad();
  for (const Tensor* input : inputs) {
    check_overlap(form.name, x, *input);
    tracked = tracked || input->requires_grad();
  }
  destination_.tracked = tracked && grad_enabled();
  if (destination_.tracked && !form.guards) {
    old_ = clone(x);
    copy_inputs_ = true;
  }
  t_destination = &destination_;
}

void InPlaceScope::finish(const Tensor& result) const {
  const Tensor& x = *destination_.out;
  Tensor last = result;
  if (!arrived(result)) {
    check_result(form_.name, result, false);
    if (destination_.tracked) last = to(result, x.dtype());
    copy(apart(last, x), x);
    x.bump_version();
  }
  if (destination_.tracked && !last.is_same(x)) take_history(form_.name, x, last);
}

OutScope::OutScope(const OpForm& form, const Tensor& out, std::span<const Tensor* const> inputs)
    : FormScope(form, out), inputs_(check_out(form, out, inputs)) {
  if (out.numel() > 0) t_destination = &destination_;
}

void OutScope::finish(const Tensor& result) const {
  const Tensor& out = *destination_.out;
  if (arrived(result)) return;
  check_result(form_.op, result, out.sizes() == Dims{0});
  if (!(result.sizes() == out.sizes())) {  // out has no elements: it takes the result's memory
    Tensor whole = to(result, out.dtype());
    for (const Tensor* x : inputs_) {
      if (x->storage() == whole.storage()) whole = clone(whole);
    }
    return out.set_data(whole);
  }
  copy(apart(result, out), out);
  out.bump_version();
}

}  // namespace iolaus::detail
