// attention: scaled dot product attention. For each batch entry and head, with q (Tq, D), k (Tk, D)
// and v (Tk, Dv):
//
//   s = scale q k^T + mask        p = softmax(s) by rows        out = p v        lse = log sum e^s
//   dv = p^T g        ds = p (g v^T - sum_j g_j out_j)        dq = scale ds k   dk = scale ds^T q
// A causal call lets query i see keys j <= i. A row that sees no key (all of it is -inf) gives
// zeros, has lse -inf, and no gradient, as in PyTorch. p is never stored: backward computes it
// again from lse. Query heads may outnumber key heads: then heads / kv_heads neighbours share one.
// Source of the online form: Dao, "FlashAttention-2", 2023.
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"
#include "kernels/statistics.h"

namespace iolaus {

/// Rows of a (B, H, T, width) tensor; each row is dense. Strides in elements.
struct AttentionOperand {
  void* data = nullptr;
  int64_t batch = 0, head = 0, row = 0;
};

struct Attention {
  int64_t batch = 0, heads = 0, kv_heads = 1, queries = 0, keys = 0;
  int64_t width = 0, value_width = 0;  // D, Dv
  AttentionOperand q, k, v, out;
  void* lse = nullptr;         // (B, H, Tq), contiguous, float (double for float64)
  const void* mask = nullptr;  // null, or element (b, h, i, j) of the dtype of q, or bool
  int64_t mask_strides[4] = {};
  bool mask_is_bool = false;  // true: the key takes part
  bool causal = false;
  double scale = 1;
  bool backward = false;
  AttentionOperand g, dq, dk, dv;  // backward only; out and lse are the forward's results
  DType element = kFloat32;
  DType compute = kFloat32;
  Device target;
  std::vector<Tensor> keep;  // the tensors, in the order of AttentionTensors; samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  std::string describe() const;
  /// Forward 2 B H Tq Tk (D + Dv) operations, backward 2 B H Tq Tk (3 D + 2 Dv), causal half of
  /// that; each operand moved once.
  Cost cost() const;
  int64_t reduction() const { return std::max(queries, keys) + width + value_width; }
  template <class V> void visit(V&& visitor) {
    static constexpr const char* kNames[] = {"q",    "k", "v",  "out", "lse",
                                             "mask", "g", "dq", "dk",  "dv"};
    for (size_t i = 0; i < keep.size(); ++i) {
      const bool is_output = backward ? i >= 7 : i == 3 || i == 4;
      visitor(kNames[i], keep[i], is_output ? Role::kOut : Role::kIn);
    }
  }
  static constexpr const char* kSizes[] = {"batch", "heads", "kv_heads",    "queries",
                                           "keys",  "width", "value_width", "causal"};
  std::array<int64_t, 8> named_sizes() const {
    return {batch, heads, kv_heads, queries, keys, width, value_width, causal};
  }
  /// "masked", or how q lies: "heads" (B, H, T, D) or "packed" (B, T, H, D).
  std::string_view layout() const {
    return mask != nullptr ? "masked" : (q.head > q.row ? "heads" : "packed");
  }
  void prepare();
  /// Fills keep with tensors over the addresses.
  void adopt();
  int64_t group() const { return kv_heads > 0 ? heads / kv_heads : 1; }
};

/// What a call works on; mask may be undefined, g, dq, dk and dv are for backward.
struct AttentionTensors {
  Tensor q, k, v, out, lse, mask, g, dq, dk, dv;
};

/// Arguments for q and g-like (B, H, T, D) tensors with dense rows, lse (B, H, Tq), and a mask that
/// broadcasts to (B, H, Tq, Tk). Errors: kInvalidArgument, kType.
Attention make_attention(const AttentionTensors& t, bool causal, double scale);

KernelSet<Attention>& attention_kernels();
KernelSet<Attention>& attention_backward_kernels();

}  // namespace iolaus
