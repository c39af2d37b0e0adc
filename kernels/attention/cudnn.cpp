// attention by cuDNN's fused kernels, forward and backward: 16-bit types, no mask but the causal
// one (which lets query i see keys j <= i, as here: its top left alignment). Its statistics are the
// logarithms of the sums of e^s, as lse here. Shared key heads are its grouped queries.
#include "kernels/attention/attention.h"
#include "kernels/cudnn/graph.h"

namespace iolaus {
namespace {

using cudnn::Id;
using cudnn::Problem;

struct Call {
  Problem problem;
  Id q, k, v, out, lse;
  Id g = cudnn::kNone, dq = cudnn::kNone, dk = cudnn::kNone, dv = cudnn::kNone;
  double scale;
  bool causal;

  explicit Call(const Attention& a)
      : problem(a.backward ? "attention_backward" : "attention", a.device()),
        q(add(a, a.q, a.heads, a.queries, a.width)),
        k(add(a, a.k, a.kv_heads, a.keys, a.width)),
        v(add(a, a.v, a.kv_heads, a.keys, a.value_width)),
        out(add(a, a.out, a.heads, a.queries, a.value_width)),
        lse(problem.tensor(a.lse, kFloat32, {a.batch, a.heads, a.queries, 1},
                           {a.heads * a.queries, a.queries, 1, 1})),
        scale(a.scale),
        causal(a.causal) {
    if (a.backward) {
      g = add(a, a.g, a.heads, a.queries, a.value_width);
      dq = add(a, a.dq, a.heads, a.queries, a.width);
      dk = add(a, a.dk, a.kv_heads, a.keys, a.width);
      dv = add(a, a.dv, a.kv_heads, a.keys, a.value_width);
    }
    problem.depends_on({scale, causal ? 1.0 : 0.0});
  }
  Id add(const Attention& a, const AttentionOperand& o, int64_t heads, int64_t rows,
         int64_t width) {
    return problem.tensor(o.data, a.element, {a.batch, heads, rows, width},
                          {o.batch, o.head, o.row, 1});
  }
  void operator()(cudnn::Graph& graph) const {
    if (g == cudnn::kNone) return graph.attention(q, k, v, out, lse, scale, causal);
    graph.attention_backward(q, k, v, out, g, lse, dq, dk, dv, scale, causal);
  }
};

const char* why_not(const Attention& a) {
  if (const char* missing = cudnn::missing()) return missing;
  if (a.mask != nullptr) return "cuDNN takes no mask but the causal one here";
  if (a.batch == 0 || a.heads == 0 || a.queries == 0 || a.keys == 0) return "a tensor is empty";
  if (a.width % 8 != 0 || a.value_width % 8 != 0) return "widths must be multiples of 8";
  if (a.backward && (a.dq.data == nullptr || a.dk.data == nullptr || a.dv.data == nullptr)) {
    return "cuDNN computes all three gradients";
  }
  const Call call(a);
  const std::string& problem = call.problem.why_not(std::cref(call));
  return problem.empty() ? nullptr : problem.c_str();
}

void run(const Attention& a) {
  const Call call(a);
  call.problem.run(std::cref(call));
}

const std::vector<DType> kHalves = {kFloat16, kBFloat16};
const bool kForward = attention_kernels().add({"cudnn", kCUDA, kHalves, run, 0, why_not});
const bool kBackward = attention_backward_kernels().add({"cudnn", kCUDA, kHalves, run, 0, why_not});

}  // namespace
}  // namespace iolaus
