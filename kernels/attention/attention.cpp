// Arguments of attention: shapes, strides and what a mask broadcasts to.
#include "kernels/attention/attention.h"

namespace iolaus {
namespace {

// t as (batch, heads, rows, width), or an error.
AttentionOperand operand(const char* name, const Tensor& t, const Tensor& like, const Dims& sizes) {
  IOLAUS_CHECK_CODE(t.dtype() == like.dtype(), ErrorCode::kType,
                    "[attention] expected {} {}, got {}", dtype_name(like.dtype()), name,
                    dtype_name(t.dtype()));
  IOLAUS_CHECK(t.sizes() == sizes && t.device() == like.device(),
               "[attention] expected {} of shape {} on {}, got {}", name, sizes.str(),
               like.device().str(), t.describe());
  const Dims& s = t.strides();
  IOLAUS_CHECK(sizes[3] <= 1 || s[3] == 1,
               "[attention] expected {} with dense rows, got strides {}", name, s.str());
  return {t.raw_data(), s[0], s[1], s[2]};
}

void set_mask(Attention& p, const Tensor& mask) {
  if (!mask.defined()) return;
  const Dims full{p.batch, p.heads, p.queries, p.keys};
  IOLAUS_CHECK_CODE(mask.dtype() == kBool || mask.dtype() == p.element, ErrorCode::kType,
                    "[attention] expected a mask of bool or {}, got {}", dtype_name(p.element),
                    dtype_name(mask.dtype()));
  IOLAUS_CHECK(mask.device() == p.target && mask.dim() <= 4 &&
                   broadcast_shapes("attention", mask.sizes(), full) == full,
               "[attention] expected a mask that broadcasts to {} on {}, got {}", full.str(),
               p.target.str(), mask.describe());
  const int missing = 4 - mask.sizes().rank();
  for (int d = missing; d < 4; ++d) {
    const auto own = static_cast<size_t>(d - missing);
    p.mask_strides[d] = mask.sizes()[own] == 1 ? 0 : mask.strides()[own];
  }
  p.mask = mask.raw_data();
  p.mask_is_bool = mask.dtype() == kBool;
}

}  // namespace

Attention make_attention(const AttentionTensors& t, bool causal, double scale) {
  for (const Tensor* x : {&t.q, &t.k, &t.v}) {
    IOLAUS_CHECK(x->dim() == 4, "[attention] expected (B, H, T, D) tensors, got {}",
                 x->sizes().str());
  }
  const Dims &q = t.q.sizes(), &k = t.k.sizes();
  Attention p;
  p.batch = q[0], p.heads = q[1], p.queries = q[2], p.width = q[3];
  p.kv_heads = k[1], p.keys = k[2], p.value_width = t.v.sizes()[3];
  IOLAUS_CHECK(p.kv_heads > 0 ? p.heads % p.kv_heads == 0 : p.heads == 0,
               "[attention] expected a number of query heads that is a multiple of the key heads, "
               "got {} and {}",
               p.heads, p.kv_heads);
  p.causal = causal;
  p.scale = scale;
  p.element = p.compute = t.q.dtype();
  p.target = t.q.device();
  p.backward = t.g.defined();
  const Dims out_sizes{p.batch, p.heads, p.queries, p.value_width};
  const Dims v_sizes{p.batch, p.kv_heads, p.keys, p.value_width};
  const Dims k_sizes{p.batch, p.kv_heads, p.keys, p.width};
  p.q = operand("q", t.q, t.q, q);
  p.k = operand("k", t.k, t.q, k_sizes);
  p.v = operand("v", t.v, t.q, v_sizes);
  p.out = operand("out", t.out, t.q, out_sizes);
  IOLAUS_CHECK(t.lse.sizes() == Dims({p.batch, p.heads, p.queries}) && t.lse.is_contiguous() &&
                   t.lse.dtype() == statistics_dtype(p.element) && t.lse.device() == p.target,
               "[attention] expected a contiguous lse, got {}", t.lse.describe());
  p.lse = t.lse.raw_data();
  set_mask(p, t.mask);
  if (p.backward) {
    p.g = operand("g", t.g, t.q, out_sizes);
    p.dq = operand("dq", t.dq, t.q, q);
    p.dk = operand("dk", t.dk, t.q, k_sizes);
    p.dv = operand("dv", t.dv, t.q, v_sizes);
  }
  return p;
}

std::string Attention::describe() const {
  return fmt::format(
      "{} batch {} heads {} over {} queries {} keys {} width {} {}{}{} scale {} on {}",
      dtype_name(compute), batch, heads, kv_heads, queries, keys, width, value_width,
      causal ? " causal" : "", mask == nullptr ? "" : (mask_is_bool ? " bool mask" : " mask"),
      scale, target.str());
}

Cost Attention::cost() const {
  const auto real = [](int64_t n) { return static_cast<double>(n); };
  const double rows = real(batch * heads) * real(queries);
  const double kv_rows = real(batch * kv_heads) * real(keys);
  const double pairs = rows * real(keys) * (causal ? 0.5 : 1);
  const double widths = real(backward ? 3 * width + 2 * value_width : width + value_width);
  const double moved = (rows + kv_rows) * real(width + value_width) * (backward ? 2 : 1);
  return {2 * pairs * widths, moved * real(static_cast<int64_t>(item_size(compute)))};
}

void Attention::adopt() {
  const TensorOptions options{.dtype = element, .device = target};
  const auto tensor = [&](const AttentionOperand& o, int64_t h, int64_t rows, int64_t w) {
    if (o.data == nullptr) return Tensor();
    return make_view(from_blob(o.data, {1}, options), {batch, h, rows, w},
                     {o.batch, o.head, o.row, 1}, 0);
  };
  keep = {tensor(q, heads, queries, width), tensor(k, kv_heads, keys, width),
          tensor(v, kv_heads, keys, value_width), tensor(out, heads, queries, value_width)};
  keep.push_back(from_blob(lse, {batch, heads, queries},
                           {.dtype = statistics_dtype(element), .device = target}));
  keep.emplace_back();
  if (mask != nullptr) {
    const TensorOptions mask_options{.dtype = mask_is_bool ? kBool : element, .device = target};
    keep.back() = make_view(from_blob(const_cast<void*>(mask), {1}, mask_options),
                            {batch, heads, queries, keys}, Dims(mask_strides, 4), 0);
  }
  if (!backward) return;
  keep.push_back(tensor(g, heads, queries, value_width));
  keep.push_back(tensor(dq, heads, queries, width));
  keep.push_back(tensor(dk, kv_heads, keys, width));
  keep.push_back(tensor(dv, kv_heads, keys, value_width));
}

void Attention::prepare() {
  const DType chosen = compute;
  std::vector<Tensor> t = std::move(keep);
  AttentionTensors all{t[0], t[1], t[2], t[3], t[4], t[5], {}, {}, {}, {}};
  if (backward) all.g = t[6], all.dq = t[7], all.dk = t[8], all.dv = t[9];
  *this = make_attention(all, causal, scale);
  compute = chosen;
  keep = std::move(t);
}

}  // namespace iolaus
