// How in-place and out= forms are made of plain ops: the form says where the result shall go, then
// calls the op. The op's last kernel asks for that place instead of new memory (claim); what comes
// back from elsewhere is copied there. So no op is written twice.
//
//   exp_(x)        the kernel of exp writes into x
//   exp_(x), with gradients
//                  the same, recorded as exp; what backward needs of the old x is copied first, and
//                  what was recorded becomes the history of x (and, for a view, of its base)
//   mm_out(c, a, b)  the product is written into c; into memory of its own where c is a or b
//
// Until the place is claimed nothing has been written: arguments that an op refuses change nothing.
#pragma once

#include <array>
#include <span>

#include "autograd/autocast.h"
#include "autograd/grad_mode.h"
#include "autograd/op_forms.h"
#include "autograd/ops/copy.h"
#include "core/tensor.h"

namespace iolaus::detail {

/// Where the running form wants its result.
struct Destination {
  std::string_view kernel;
  const Tensor* out;
  bool tracked;  // gradients are recorded: the result is a handle of its own
  bool claimed = false;
};
inline thread_local Destination* t_destination = nullptr;

Tensor claim_destination(std::string_view kernel, const Dims& sizes, DType dtype, Device device);

/// The form's destination for the result of this kernel, or an undefined tensor: where there is no
/// form, or it waits for another kernel, or the tensor is of another kind. Inputs of the kernel may
/// be the same elements; where that is not allowed, ask overwritten() first.
inline Tensor claim(std::string_view kernel, const Dims& sizes, DType dtype, Device device) {
  if (t_destination == nullptr) [[likely]]
    return Tensor();
  return claim_destination(kernel, sizes, dtype, device);
}
/// Whether the running form's result goes into this tensor's storage.
inline bool overwritten(const Tensor& x) {
  return t_destination != nullptr && x.defined() && t_destination->out->storage() == x.storage();
}
/// Whether it is the tensor that the result goes into.
inline bool is_destination(const Tensor& x) {
  return t_destination != nullptr && x.is_same(*t_destination->out);
}
/// x, to be saved for backward: a recorded copy where it is about to be overwritten.
inline Tensor kept(const Tensor& x) { return overwritten(x) ? clone(x) : x; }
/// claim for a kernel that wants a contiguous output like x, and reads x while it writes.
inline Tensor claim_dense(std::string_view kernel, const Tensor& x) {
  if (t_destination == nullptr || overwritten(x) || !t_destination->out->is_contiguous()) {
    return Tensor();
  }
  return claim(kernel, x.sizes(), x.dtype(), x.device());
}

/// The tensors among the arguments of a form.
class FormInputs {
 public:
  void add(const Tensor& x) {
    if (!x.defined()) return;
    if (count_ < few_.size()) {
      few_[count_++] = &x;
    } else {
      if (many_.empty()) many_.assign(few_.begin(), few_.end());
      many_.push_back(&x);
    }
  }
  void add(const Tensors& list) {
    for (const Tensor& x : list) add(x);
  }
  template <class T> void add(const T&) {}
  std::span<const Tensor* const> tensors() const {
    if (!many_.empty()) return many_;
    return {few_.data(), count_};
  }

 private:
  std::array<const Tensor*, 4> few_ = {};
  size_t count_ = 0;
  std::vector<const Tensor*> many_;
};

/// What both kinds of forms do around the op: no casts by autocast, the destination set and unset.
class FormScope {
 public:
  FormScope(const FormScope&) = delete;
  FormScope& operator=(const FormScope&) = delete;

 protected:
  FormScope(const OpForm& form, const Tensor& out)
      : form_(form), destination_{form.kernel, &out, false}, before_(t_destination) {
    t_destination = nullptr;  // no op inside may take that of an outer form
  }
  ~FormScope() { t_destination = before_; }
  /// Whether the result lies in the destination already.
  bool arrived(const Tensor& result) const;
  /// Errors: kInvalidArgument for another shape or device than the destination's; kType for a dtype
  /// that its own cannot hold (PyTorch's can_cast).
  void check_result(std::string_view name, const Tensor& result, bool any_shape) const;

  const OpForm& form_;
  Destination destination_;

 private:
  Destination* before_;
  NoAutocast no_autocast_;
};

/// Around an op whose result goes into x.
class InPlaceScope : FormScope {
 public:
  /// Errors: those of autograd::check_inplace; kInvalidArgument where an input shares some of x's
  /// elements in another order.
  InPlaceScope(const OpForm& form, const Tensor& x, std::span<const Tensor* const> inputs);
  /// What the op gets for x, and for its other arguments.
  const Tensor& input() const { return old_.defined() ? old_ : *destination_.out; }
  Tensor operator()(const Tensor& x) const { return copy_inputs_ && overwritten(x) ? clone(x) : x; }
  template <class T> const T& operator()(const T& other) const { return other; }
  void finish(const Tensor& result) const;

 private:
  Tensor old_;  // a copy of x, where the op saves it as it is
  bool copy_inputs_ = false;
};

/// Around an op whose result goes into out.
class OutScope : FormScope {
 public:
  /// Errors: kInvalidArgument where an argument requires a gradient and gradients are recorded, for
  /// expanded memory, and where an input shares some of out's elements in another order.
  OutScope(const OpForm& form, const Tensor& out, std::span<const Tensor* const> inputs);
  void finish(const Tensor& result) const;

 private:
  std::span<const Tensor* const> inputs_;
  NoGrad no_grad_;  // after inputs_, whose check wants to know whether gradients are recorded
};

/// x = fn(x, args...) in x's memory.
template <class Fn, class... Args>
const Tensor& in_place(const OpForm& form, const Tensor& x, const Fn& fn, const Args&... args) {
  FormInputs inputs;
  (inputs.add(args), ...);
  const InPlaceScope scope(form, x, inputs.tensors());
  scope.finish(fn(scope.input(), scope(args)...));
  return x;
}
/// out = fn(args...) in out's memory.
template <class Fn, class... Args>
const Tensor& into(const OpForm& form, const Tensor& out, const Fn& fn, const Args&... args) {
  FormInputs inputs;
  (inputs.add(args), ...);
  const OutScope scope(form, out, inputs.tensors());
  scope.finish(fn(args...));
  return out;
}

/// exp_ and exp_out as objects that are called like functions; fn calls the plain op.
template <class Fn> struct InPlaceForm {
  const OpForm* form;
  Fn fn;
  template <class... Args> const Tensor& operator()(const Tensor& x, const Args&... args) const {
    return in_place(*form, x, fn, args...);
  }
};
template <class Fn> struct OutForm {
  const OpForm* form;
  Fn fn;
  template <class... Args> const Tensor& operator()(const Tensor& out, const Args&... args) const {
    return into(*form, out, fn, args...);
  }
};
/// Do not compile where the table has no such form.
template <class Fn> consteval InPlaceForm<Fn> in_place_of(std::string_view op, Fn fn) {
  const OpForm* form = find_form(op);
  if (form->name == nullptr) throw "op_forms.h has no such in-place form";
  return {form, fn};
}
template <class Fn> consteval OutForm<Fn> out_of(std::string_view op, Fn fn) {
  const OpForm* form = find_form(op);
  if (!form->out) throw "op_forms.h has no such out= form";
  return {form, fn};
}

}  // namespace iolaus::detail
