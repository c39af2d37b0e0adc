// Samples of attention: around the tiles of 32 and 64 rows, several tiles, causal with more and
// with fewer keys than queries, shared key heads, masks, odd widths, and layouts of packed
// projections.
#include <cmath>
#include <limits>

#include "core/views.h"
#include "kernels/attention/attention.h"
#include "kernels/check.h"
#include "kernels/copy/copy.h"

namespace iolaus {
namespace {

enum class MaskKind { kNone, kBool, kFloat };

struct Sample {
  int64_t batch, heads, kv_heads, queries, keys, width;
  bool causal = false;
  int64_t value_width = 0;  // 0: as width
  MaskKind mask = MaskKind::kNone;
  bool transposed = false;  // stored as (B, T, H, D)
  double scale = 0;         // 0: 1 / sqrt(D)
};

std::vector<Sample> sample_list() {
  using enum MaskKind;
  return {
      {1, 1, 1, 1, 1, 1},
      {1, 2, 2, 31, 33, 8},
      {1, 1, 1, 32, 32, 32, true},
      {1, 1, 1, 64, 64, 64},
      {1, 1, 1, 65, 63, 64, true, 0, kNone, true},
      {2, 4, 2, 33, 70, 40, true, 0, kNone, true},
      {1, 1, 1, 200, 193, 32, true},
      {1, 1, 1, 130, 257, 16, false, 0, kNone, false, 0.4},
      {1, 1, 1, 70, 40, 96, true},
      {1, 1, 1, 66, 130, 72},
      {1, 1, 1, 129, 97, 128, true},
      {1, 2, 1, 20, 130, 17, false, 0, kNone, true},
      {1, 1, 1, 33, 65, 100, false, 0, kNone, true},
      {1, 1, 1, 17, 40, 160, true},
      {1, 2, 2, 9, 12, 8, false, 5},
      {2, 2, 1, 34, 80, 24, false, 70, kBool},
      {1, 2, 2, 70, 33, 16, false, 0, kBool},
      {2, 2, 2, 33, 66, 32, false, 0, kFloat, true},
      {1, 1, 1, 4, 6, 8, true, 0, kFloat, false, -0.5},
      {1, 1, 1, 0, 4, 8},
      {1, 1, 1, 4, 0, 8},
      {1, 1, 1, 70, 0, 32},
      {0, 1, 1, 4, 4, 8},
  };
}

// A mask in which some keys and, in the second row, all keys are hidden; float masks also have
// values, and one for all heads.
Tensor make_mask(const Sample& s, DType dtype, uint64_t seed) {
  if (s.mask == MaskKind::kNone) return {};
  const bool is_bool = s.mask == MaskKind::kBool;
  const Dims sizes =
      is_bool ? Dims{s.heads, s.queries, s.keys} : Dims{s.batch, 1, s.queries, s.keys};
  std::vector<double> values = sample_tensor(sizes, kFloat64, seed).to_vector<double>();
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t row = static_cast<int64_t>(i) / s.keys % s.queries;
    const bool hidden = row == 1 || values[i] < -0.4;
    values[i] = is_bool ? (hidden ? 0 : 1)
                        : (hidden ? -std::numeric_limits<double>::infinity() : values[i]);
  }
  Tensor out = empty(sizes, {.dtype = is_bool ? kBool : dtype});
  copy(from_values(values, sizes), out);
  return out;
}

template <bool backward> std::vector<Attention> attention_samples(DType dtype) {
  std::vector<Attention> samples;
  uint64_t seed = 1;
  for (const Sample& s : sample_list()) {
    const int64_t dv = s.value_width > 0 ? s.value_width : s.width;
    const auto make = [&](int64_t heads, int64_t rows, int64_t width) {
      const Dims sizes =
          s.transposed ? Dims{s.batch, rows, heads, width} : Dims{s.batch, heads, rows, width};
      const Tensor t = sample_tensor(sizes, dtype, ++seed, -2, 2);
      return s.transposed ? views::transpose(t, 1, 2) : t;
    };
    AttentionTensors t;
    t.q = make(s.heads, s.queries, s.width);
    t.k = make(s.kv_heads, s.keys, s.width);
    t.v = make(s.kv_heads, s.keys, dv);
    t.out = make(s.heads, s.queries, dv);
    t.lse = empty({s.batch, s.heads, s.queries}, {.dtype = statistics_dtype(dtype)});
    t.mask = make_mask(s, dtype, ++seed);
    const double scale = s.scale != 0 ? s.scale : 1 / std::sqrt(static_cast<double>(s.width));
    std::vector<Tensor> keep{t.q, t.k, t.v, t.out, t.lse, t.mask};
    if (backward) {
      attention_kernels()(make_attention(t, s.causal, scale));
      t.g = make(s.heads, s.queries, dv);
      t.dq = make(s.heads, s.queries, s.width);
      t.dk = make(s.kv_heads, s.keys, s.width);
      t.dv = make(s.kv_heads, s.keys, dv);
      keep.insert(keep.end(), {t.g, t.dq, t.dk, t.dv});
    }
    Attention p = make_attention(t, s.causal, scale);
    p.compute = dtype;
    p.keep = std::move(keep);
    samples.push_back(std::move(p));
  }
  return samples;
}

}  // namespace

KernelSet<Attention>& attention_kernels() {
  static auto* set = new KernelSet<Attention>("attention", "attention", attention_samples<false>);
  return *set;
}
KernelSet<Attention>& attention_backward_kernels() {
  static auto* set =
      new KernelSet<Attention>("attention", "attention_backward", attention_samples<true>);
  return *set;
}

}  // namespace iolaus
