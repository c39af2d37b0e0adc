// The table of casts, PyTorch's (aten/src/ATen/autocast_mode.h and .cpp), and the casts of
// parameters that are kept.
#include "autograd/autocast.h"

#include <atomic>
#include <unordered_map>

#include "autograd/grad_mode.h"
#include "autograd/ops/copy.h"

namespace iolaus {
namespace autocast {
namespace {

enum class Rule { kNone, kLower, kFull, kWidest, kBanned };
using enum Rule;

struct Rules {
  Rule cpu, cuda;
};

const std::unordered_map<std::string_view, Rules>& table() {
  static const std::unordered_map<std::string_view, Rules> rules{
      {"addbmm", {kLower, kLower}},
      {"addmm", {kLower, kLower}},
      {"addmv", {kNone, kLower}},
      {"addr", {kNone, kLower}},
      {"baddbmm", {kLower, kLower}},
      {"bias_gelu", {kLower, kLower}},
      {"bmm", {kLower, kLower}},
      {"conv", {kLower, kLower}},
      {"conv_transpose", {kLower, kLower}},
      {"einsum", {kLower, kLower}},
      {"linear", {kLower, kLower}},
      {"matmul", {kLower, kLower}},
      {"mm", {kLower, kLower}},
      {"mv", {kNone, kLower}},
      {"prelu", {kLower, kLower}},
      {"scaled_dot_product_attention", {kLower, kLower}},
      {"acos", {kNone, kFull}},
      {"asin", {kNone, kFull}},
      {"binary_cross_entropy", {kFull, kBanned}},
      {"binary_cross_entropy_with_logits", {kFull, kFull}},
      {"cosh", {kNone, kFull}},
      {"cosine_embedding_loss", {kFull, kFull}},
      {"cosine_similarity", {kNone, kFull}},
      {"cross_entropy", {kFull, kFull}},
      {"ctc_loss", {kFull, kFull}},
      {"cumprod", {kNone, kFull}},
      {"cumsum", {kNone, kFull}},
      {"exp", {kNone, kFull}},
      {"expm1", {kNone, kFull}},
      {"group_norm", {kNone, kFull}},
      {"hinge_embedding_loss", {kFull, kFull}},
      {"huber_loss", {kFull, kFull}},
      {"interpolate", {kNone, kFull}},
      {"kl_div", {kFull, kFull}},
      {"l1_loss", {kFull, kFull}},
      {"layer_norm", {kNone, kFull}},
      {"log", {kNone, kFull}},
      {"log10", {kNone, kFull}},
      {"log1p", {kNone, kFull}},
      {"log2", {kNone, kFull}},
      {"log_softmax", {kNone, kFull}},
      {"logsumexp", {kNone, kFull}},
      {"margin_ranking_loss", {kFull, kFull}},
      {"mse_loss", {kFull, kFull}},
      {"nll_loss", {kFull, kFull}},
      {"norm", {kNone, kFull}},
      {"pow", {kNone, kFull}},
      {"prod", {kFull, kFull}},
      {"reciprocal", {kNone, kFull}},
      {"rms_norm", {kNone, kFull}},
      {"rsqrt", {kNone, kFull}},
      {"sinh", {kNone, kFull}},
      {"smooth_l1_loss", {kFull, kFull}},
      {"softmax", {kNone, kFull}},
      {"softplus", {kNone, kFull}},
      {"sum", {kNone, kFull}},
      {"tan", {kNone, kFull}},
      {"triplet_margin_loss", {kFull, kFull}},
      {"vector_norm", {kNone, kFull}},
      {"addcdiv", {kNone, kWidest}},
      {"addcmul", {kNone, kWidest}},
      {"atan2", {kNone, kWidest}},
      {"bilinear", {kNone, kWidest}},
      {"cat", {kWidest, kWidest}},
      {"cross", {kNone, kWidest}},
      {"dot", {kNone, kWidest}},
      {"grid_sample", {kFull, kWidest}},
      {"index_put", {kNone, kWidest}},
      {"scatter_add", {kNone, kWidest}},
      {"stack", {kWidest, kWidest}},
  };
  return rules;
}

detail::DeviceMode& mode_of(DeviceType device) {
  return detail::t_mode.devices[device == kCUDA ? 1 : 0];
}

// A cast of a parameter that is kept. It is made anew where the parameter has changed, where it was
// made without a gradient that is needed now, and where a backward has freed its graph.
struct Kept {
  Tensor source, cast;
  uint32_t version;
  uint64_t graphs;
};
thread_local std::unordered_map<const TensorImpl*, Kept> t_kept;
std::atomic<uint64_t> g_graphs{0};

bool is_low(DType dtype) { return dtype == kBFloat16 || dtype == kFloat16; }

Tensor kept_cast(const Tensor& x, DType dtype) {
  const auto found = t_kept.find(x.impl());
  if (found != t_kept.end()) {
    const Kept& kept = found->second;
    if (kept.cast.dtype() == dtype && kept.version == x.version() &&
        (!grad_enabled() || (kept.cast.requires_grad() && kept.graphs == g_graphs))) {
      return kept.cast;
    }
  }
  const uint64_t graphs = g_graphs;
  const Kept kept{x, to(x, dtype), x.version(), graphs};
  t_kept.insert_or_assign(x.impl(), kept);
  return kept.cast;
}

}  // namespace

void forget_graphs() { ++g_graphs; }

bool Casts::fits(const Tensor& x) const {
  return x.defined() && (x.dtype() == kFloat32 || is_low(x.dtype())) && x.device().type == device_;
}

void Casts::see(const Tensor& x) {
  if (!x.defined()) return;
  if (!device_ && mode_of(x.device().type).enabled) device_ = x.device().type;
  if (!fits(x)) return;
  some_ = true;
  wide_ = wide_ || x.dtype() == kFloat32;
}

void Casts::decide() {
  if (!device_ || !some_) return;
  const auto found = table().find(op_);
  if (found == table().end()) return;
  const DType low = mode_of(*device_).dtype;
  switch (*device_ == kCUDA ? found->second.cuda : found->second.cpu) {
    case kNone:
      break;
    case kLower:
      to_ = low;
      break;
    case kFull:
      to_ = kFloat32;
      break;
    case kWidest:
      to_ = wide_ ? kFloat32 : low;
      break;
    case kBanned:
      fail(ErrorCode::kType,
           "[{}] overflows in {}; under autocast use binary_cross_entropy_with_logits", op_,
           dtype_name(low));
  }
}

Tensor Casts::operator()(const Tensor& x) const {
  if (!to_ || !fits(x) || x.dtype() == *to_) return x;
  const bool keeps = detail::t_mode.cache && is_low(*to_) && x.is_leaf() && x.requires_grad();
  return keeps ? kept_cast(x, *to_) : to(x, *to_);
}

Tensors Casts::operator()(const Tensors& list) const {
  Tensors all;
  for (const Tensor& x : list) all.push_back((*this)(x));
  return all;
}

}  // namespace autocast

Autocast::Autocast(DeviceType device, std::optional<DType> dtype, bool enabled, bool cache)
    : before_(autocast::detail::t_mode) {
  const DType low = dtype.value_or(device == kCUDA ? kFloat16 : kBFloat16);
  IOLAUS_CHECK_CODE(low == kBFloat16 || low == kFloat16, ErrorCode::kType,
                    "[autocast] expected bfloat16 or float16, got {}", dtype_name(low));
  autocast::detail::Mode& mode = autocast::detail::t_mode;
  autocast::mode_of(device) = {enabled, low};
  mode.on = mode.devices[0].enabled || mode.devices[1].enabled;
  mode.cache = cache;
  ++mode.guards;
}

Autocast::~Autocast() {
  autocast::detail::t_mode = before_;
  if (before_.guards == 0) autocast::t_kept.clear();
}

}  // namespace iolaus
