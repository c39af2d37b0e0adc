// Which ops have an in-place form (exp_, PyTorch's trailing underscore) and which one that writes
// into a given tensor (out=). This table is all that says so: the op table (op_table.h) makes the
// forms that are called by name from it, and the C++ forms (ops/inplace.h, ops/out.h) look
// themselves up in it while they are compiled.
#pragma once

#include <string_view>

namespace iolaus {

struct OpForm {
  const char* name = nullptr;  // of the in-place form, "exp_"; null: there is none
  std::string_view op;         // the plain op, "exp"
  std::string_view kernel;     // whose result is written where the form wants it; "": it is copied
  bool out = false;            // has an out= form
  /// The op copies what it saves for backward where that is overwritten; else all of x is copied.
  bool guards = false;
};

namespace detail {

/// The op's last kernel writes into x or out, and reads x before; the op copies what it saves.
consteval OpForm direct(const char* name, std::string_view kernel = {}) {
  const std::string_view text(name), op = text.substr(0, text.size() - 1);
  return {name, op, kernel.empty() ? op : kernel, true, true};
}
/// In place by a copy of the result and, with gradients, of x; kernel: that of the out= form.
consteval OpForm copied(const char* name, std::string_view kernel = {}) {
  const std::string_view text(name);
  return {name, text.substr(0, text.size() - 1), kernel, true, false};
}
/// out= only, by this kernel; "": by a copy.
consteval OpForm out_only(std::string_view op, std::string_view kernel) {
  return {nullptr, op, kernel, true, false};
}
consteval OpForm out_only(std::string_view op) { return out_only(op, op); }

}  // namespace detail

// clang-format off
inline constexpr OpForm kOpForms[] = {
    // functions of one number
    detail::direct("abs_"), detail::direct("neg_"), detail::direct("sign_"),
    detail::direct("square_"), detail::direct("exp_"), detail::direct("expm1_"),
    detail::direct("exp2_"), detail::direct("log_"), detail::direct("log1p_"),
    detail::direct("log2_"), detail::direct("log10_"), detail::direct("sqrt_"),
    detail::direct("rsqrt_"), detail::direct("reciprocal_"), detail::direct("sin_"),
    detail::direct("cos_"), detail::direct("tan_"), detail::direct("asin_"),
    detail::direct("acos_"), detail::direct("atan_"), detail::direct("sinh_"),
    detail::direct("cosh_"), detail::direct("tanh_"), detail::direct("asinh_"),
    detail::direct("acosh_"), detail::direct("atanh_"), detail::direct("sigmoid_"),
    detail::direct("erf_"), detail::direct("erfc_"), detail::direct("floor_"),
    detail::direct("ceil_"), detail::direct("trunc_"), detail::direct("round_"),
    detail::direct("frac_"), detail::direct("logical_not_"), detail::direct("sgn_", "sign"),
    detail::direct("bitwise_not_", "bitwise_xor"), detail::direct("deg2rad_", "mul"),
    detail::direct("rad2deg_", "mul"), detail::copied("logit_"), detail::copied("sinc_"),
    detail::copied("nan_to_num_"), detail::out_only("isnan"), detail::out_only("isinf"),
    detail::out_only("isfinite"), detail::out_only("signbit", ""),
    detail::out_only("isposinf", "logical_and"), detail::out_only("isneginf", "logical_and"),
    // activations
    detail::direct("relu_"), detail::direct("relu6_", "hardtanh"), detail::direct("leaky_relu_"),
    detail::direct("elu_"), detail::direct("selu_", "elu"), detail::direct("celu_", "elu"),
    detail::direct("silu_"), detail::direct("mish_"), detail::direct("hardtanh_"),
    detail::direct("hardsigmoid_"), detail::direct("hardswish_"), detail::direct("threshold_"),
    detail::direct("dropout_"), detail::out_only("gelu"), detail::out_only("softplus"),
    detail::out_only("hardshrink"), detail::out_only("softshrink"), detail::out_only("softsign"),
    detail::out_only("glu", "mul"),
    // two operands
    detail::direct("add_"), detail::direct("sub_"), detail::direct("mul_"), detail::direct("div_"),
    detail::direct("pow_"), detail::direct("floor_divide_"), detail::direct("remainder_"),
    detail::direct("fmod_"), detail::direct("atan2_"), detail::direct("hypot_"),
    detail::direct("copysign_"), detail::direct("xlogy_"), detail::direct("bitwise_and_"),
    detail::direct("bitwise_or_"), detail::direct("bitwise_xor_"), detail::direct("logical_and_"),
    detail::direct("logical_or_"), detail::direct("logical_xor_"), detail::direct("eq_"),
    detail::direct("ne_"), detail::direct("lt_"), detail::direct("le_"), detail::direct("gt_"),
    detail::direct("ge_"), detail::direct("heaviside_", "where"),
    detail::direct("float_power_", "pow"), detail::out_only("maximum"), detail::out_only("minimum"),
    detail::out_only("fmax"), detail::out_only("fmin"), detail::out_only("logaddexp"),
    detail::out_only("logaddexp2", ""),
    // three operands
    detail::direct("clamp_"), detail::direct("clamp_max_", "clamp"), detail::direct("lerp_"),
    detail::direct("addcmul_"), detail::direct("addcdiv_"), detail::direct("masked_fill_", "where"),
    detail::out_only("where"),
    // reductions and scans
    detail::out_only("sum", "reduce"), detail::out_only("mean", "reduce"),
    detail::out_only("prod", "reduce"), detail::out_only("amax", "reduce"),
    detail::out_only("amin", "reduce"), detail::out_only("any", "reduce"),
    detail::out_only("all", "reduce"), detail::out_only("argmax", "reduce"),
    detail::out_only("argmin", "reduce"), detail::out_only("max", "reduce"),
    detail::out_only("min", "reduce"), detail::out_only("nansum", "reduce"),
    detail::out_only("count_nonzero", "reduce"), detail::out_only("logsumexp", ""),
    detail::out_only("var", "reduce"), detail::out_only("std", "reduce"),
    detail::out_only("vector_norm", ""),
    detail::out_only("norm", ""), detail::copied("cumsum_", "cumsum"),
    detail::copied("cumprod_", "cumprod"), detail::out_only("softmax"),
    detail::out_only("log_softmax"),
    // products
    detail::out_only("mm"), detail::out_only("bmm"), detail::out_only("linear"),
    detail::out_only("matmul"), detail::out_only("mv", ""), detail::out_only("dot", ""),
    detail::out_only("outer", "mul"), detail::direct("addmm_"), detail::direct("baddbmm_"),
    detail::copied("addbmm_"), detail::copied("addmv_"), detail::copied("addr_"),
    // shapes and indices
    detail::out_only("cat"), detail::out_only("stack", "cat"), detail::copied("tril_", "tril"),
    detail::copied("triu_", "triu"), detail::out_only("gather"), detail::out_only("index_select"),
    detail::out_only("take", ""), detail::out_only("take_along_dim"),
    detail::out_only("masked_select", ""), detail::direct("scatter_"),
    detail::direct("scatter_add_"), detail::direct("scatter_reduce_"), detail::direct("index_add_"),
    detail::copied("index_copy_"), detail::copied("index_fill_"), detail::copied("masked_scatter_"),
    // new tensors
    detail::out_only("arange"), detail::out_only("linspace"), detail::out_only("eye", ""),
    detail::out_only("full"), detail::out_only("zeros", "full"), detail::out_only("ones", "full")};
// clang-format on

/// The row of an op, or null.
constexpr const OpForm* find_form(std::string_view op) {
  for (const OpForm& form : kOpForms) {
    if (form.op == op) return &form;
  }
  return nullptr;
}

}  // namespace iolaus
