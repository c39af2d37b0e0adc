// cross_entropy on the CPU: the statistics of softmax rows (softmax/cpu_rows.h), then one number a
// row. Losses are summed in double in row order; backward writes dx in one pass from x and lse.
#include <atomic>

#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/elementwise/domain.h"
#include "kernels/softmax/cpu_rows.h"

namespace iolaus {
namespace {

using cpu::kLanes;
using cpu::Rows;

constexpr int64_t kGrain = 1 << 14;  // logits that are worth a thread

template <class T> struct Typed {
  using Math = MathType<T>;
  const CrossEntropy& s;
  const T* x = static_cast<const T*>(s.x);
  const T* weight = static_cast<const T*>(s.weight);
  Math* lse = static_cast<Math*>(s.lse);
  Math* total_weight = static_cast<Math*>(s.total_weight);
  bool dense = s.inner == 1;
  int64_t groups_across = dense ? 1 : (s.inner + kLanes - 1) / kLanes;
  int64_t groups = dense ? (s.rows + kLanes - 1) / kLanes : s.rows * groups_across;

  double weight_of(int64_t c) const {
    return weight == nullptr ? 1 : static_cast<double>(static_cast<Math>(weight[c]));
  }
  /// Up to kLanes rows: number of the first, and where they lie.
  struct Group {
    int64_t first;
    Rows<T> rows;
    int64_t offset;
  };
  Group group(int64_t index) const {
    if (dense) {
      const int64_t first = index * kLanes;
      const int64_t at = first * s.classes;
      return {first, {x + at, s.classes, 1, s.classes, std::min(kLanes, s.rows - first)}, at};
    }
    const int64_t row = index / groups_across, column = index % groups_across * kLanes;
    const int64_t at = row * s.classes * s.inner + column;
    return {row * s.inner + column,
            {x + at, s.classes, s.inner, 1, std::min(kLanes, s.inner - column)},
            at};
  }
  template <class Fn> void for_each_group(Fn&& fn) const {
    const int64_t per_group = std::max<int64_t>(1, s.classes * kLanes);
    parallel_for(groups, std::max<int64_t>(1, kGrain / per_group), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) fn(group(i));
    });
  }
};

template <class T> void group_lse(const Typed<T>& t, const typename Typed<T>::Group& group) {
  using Math = MathType<T>;
  const Rows<T>& rows = group.rows;
  Math* lse = t.lse + group.first;
  if (t.s.log_probabilities) {
    std::fill_n(lse, rows.lanes, Math(0));
    return;
  }
  alignas(64) Math largest[kLanes], sum[kLanes];
  if (t.dense && rows.n > cpu::kShortRow && rows.n <= cpu::kReduceBlock) {
    alignas(64) Math exps[cpu::kRowsAtOnce];
    for (int64_t r = 0; r < rows.lanes;) {
      r += cpu::dense_statistics(rows.x + r * rows.n, rows.n, rows.lanes - r, largest + r, sum + r,
                                 exps);
    }
  } else if (t.dense && rows.n > cpu::kShortRow) {
    for (int64_t r = 0; r < rows.lanes; ++r) {
      cpu::long_row_statistics<T>(rows.x + r * rows.lane_stride, rows.n, largest[r], sum[r],
                                  nullptr);
    }
  } else {
    cpu::row_statistics(rows, largest, sum);
  }
  simd::run([&] {
    for (int64_t r = 0; r < rows.lanes; ++r) lse[r] = largest[r] + math::log(sum[r]);
  });
}

// The loss of one row, whose logits are x[c stride].
template <class T>
double row_loss(const Typed<T>& t, const T* x, int64_t stride, int64_t target, double lse) {
  using Math = MathType<T>;
  const auto logit = [&](int64_t c) {
    return static_cast<double>(static_cast<Math>(x[c * stride]));
  };
  const double loss = (1 - t.s.smoothing) * t.weight_of(target) * (lse - logit(target));
  if (t.s.smoothing == 0) return loss;
  double smooth = 0;
  for (int64_t c = 0; c < t.s.classes; ++c) smooth += t.weight_of(c) * (lse - logit(c));
  return loss + t.s.smoothing / static_cast<double>(t.s.classes) * smooth;
}

template <class T> void forward(const CrossEntropy& s) {
  using Math = MathType<T>;
  const Typed<T> t{s};
  const bool none = s.reduction_kind == Reduction::kNone;
  constexpr int64_t kNoRow = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> bad_row{kNoRow};
  // Sums of groups, joined in order afterwards.
  std::vector<double> sums(static_cast<size_t>(2 * t.groups));
  t.for_each_group([&](const typename Typed<T>::Group& group) {
    group_lse(t, group);
    double sum = 0, weights = 0;
    for (int64_t r = 0; r < group.rows.lanes; ++r) {
      const int64_t i = group.first + r, target = s.target[i];
      double loss = 0;
      if (target != s.ignore_index) {
        if (target < 0 || target >= s.classes) {
          int64_t seen = bad_row.load();
          while (i < seen && !bad_row.compare_exchange_weak(seen, i)) {
          }
          continue;
        }
        loss = row_loss(t, group.rows.x + r * group.rows.lane_stride, group.rows.stride, target,
                        static_cast<double>(t.lse[i]));
        weights += t.weight_of(target);
      }
      sum += loss;
      if (none) static_cast<T*>(s.loss)[i] = static_cast<T>(static_cast<Math>(loss));
    }
    const auto index = static_cast<size_t>(t.dense ? group.first / kLanes
                                                   : group.first / s.inner * t.groups_across +
                                                         group.first % s.inner / kLanes);
    sums[2 * index] = sum;
    sums[2 * index + 1] = weights;
  });
  if (bad_row != kNoRow) fail_bad_target(s.target[bad_row], bad_row, s.classes);
  double sum = 0, weights = 0;
  for (size_t i = 0; i < sums.size(); i += 2) {
    sum += sums[i];
    weights += sums[i + 1];
  }
  *t.total_weight = static_cast<Math>(weights);
  if (none) return;
  const double loss = s.reduction_kind == Reduction::kMean ? sum / weights : sum;
  *static_cast<T*>(s.loss) = static_cast<T>(static_cast<Math>(loss));
}

// What a row's gradient is made of: dx_c = p_c scale - smooth w_c, and the target's extra.
template <class T> struct RowGradient {
  MathType<T> scale = 0, smooth = 0, hit = 0;
  int64_t target = 0;
};

template <class T> RowGradient<T> row_gradient(const Typed<T>& t, int64_t i, double all_weights) {
  using Math = MathType<T>;
  const CrossEntropy& s = t.s;
  RowGradient<T> row;
  row.target = s.target[i];
  if (row.target == s.ignore_index) {
    row.target = -1;
    return row;
  }
  const T* g = static_cast<const T*>(s.g);
  double h =
      static_cast<double>(static_cast<Math>(g[s.reduction_kind == Reduction::kNone ? i : 0]));
  if (s.reduction_kind == Reduction::kMean) h /= static_cast<double>(*t.total_weight);
  const double hit = (1 - s.smoothing) * t.weight_of(row.target);
  const double smooth = s.smoothing / static_cast<double>(s.classes);
  row.hit = static_cast<Math>(h * hit);
  row.smooth = static_cast<Math>(h * smooth);
  row.scale = static_cast<Math>(h * (hit + smooth * all_weights));
  return row;
}

// One dense row at a time; logits are converted in blocks.
template <class T>
void backward_row(const Typed<T>& t, int64_t i, const RowGradient<T>& row, const T* x, T* dx) {
  using Math = MathType<T>;
  alignas(64) Math x_buffer[cpu::kRowBlock], w_buffer[cpu::kRowBlock], y[cpu::kRowBlock];
  const CrossEntropy& s = t.s;
  const Math lse = t.lse[i];
  const bool probabilities = !s.log_probabilities && row.target >= 0;
  for (int64_t j = 0; j < s.classes; j += cpu::kRowBlock) {
    const int64_t n = std::min(cpu::kRowBlock, s.classes - j);
    const Math* block = cpu::load_block<Math, false>(x + j, n, 1, x_buffer);
    simd::run([&] {
      for (int64_t c = 0; c < n; ++c) {
        y[c] = probabilities ? math::exp(block[c] - lse) * row.scale : Math(0);
      }
    });
    if (s.smoothing != 0) {
      for (int64_t c = 0; c < n; ++c) w_buffer[c] = static_cast<Math>(t.weight_of(j + c));
      for (int64_t c = 0; c < n; ++c) y[c] -= row.smooth * w_buffer[c];
    }
    if (row.target >= j && row.target < j + n) y[row.target - j] -= row.hit;
    simd::run([&] {
      for (int64_t c = 0; c < n; ++c) dx[j + c] = static_cast<T>(y[c]);
    });
  }
}

// Rows side by side.
template <class T>
void backward_lanes(const Typed<T>& t, const typename Typed<T>::Group& group,
                    const RowGradient<T>* gradients, T* dx) {
  using Math = MathType<T>;
  alignas(64) Math buffer[kLanes], y[kLanes], scale[kLanes], smooth[kLanes], hit[kLanes];
  int64_t target[kLanes];
  const Rows<T>& rows = group.rows;
  for (int64_t r = 0; r < rows.lanes; ++r) {
    scale[r] = gradients[r].scale;
    smooth[r] = gradients[r].smooth;
    hit[r] = gradients[r].hit;
    target[r] = gradients[r].target;
  }
  const Math* lse = t.lse + group.first;
  for (int64_t c = 0; c < rows.n; ++c) {
    const Math* x = rows.load(c, buffer);
    const Math w = static_cast<Math>(t.weight_of(c));
    const bool probabilities = !t.s.log_probabilities;
    simd::run([&] {
      for (int64_t r = 0; r < rows.lanes; ++r) {
        // An ignored row may hold anything: its scale of 0 must not meet an infinity.
        const Math p = probabilities && target[r] >= 0 ? math::exp(x[r] - lse[r]) : Math(0);
        y[r] = p * scale[r] - smooth[r] * w - (target[r] == c ? hit[r] : Math(0));
      }
      T* out = dx + c * rows.stride;
      for (int64_t r = 0; r < rows.lanes; ++r) out[r * rows.lane_stride] = static_cast<T>(y[r]);
    });
  }
}

template <class T> void backward(const CrossEntropy& s) {
  const Typed<T> t{s};
  double all_weights = 0;
  for (int64_t c = 0; c < s.classes; ++c) all_weights += t.weight_of(c);
  t.for_each_group([&](const typename Typed<T>::Group& group) {
    RowGradient<T> gradients[kLanes];
    const int64_t lanes = group.rows.lanes;
    for (int64_t r = 0; r < lanes; ++r) {
      gradients[r] = row_gradient(t, group.first + r, all_weights);
    }
    T* dx = static_cast<T*>(s.dx) + group.offset;
    if (!t.dense || s.classes <= cpu::kShortRow) {
      return backward_lanes(t, group, gradients, dx);
    }
    for (int64_t r = 0; r < lanes; ++r) {
      backward_row(t, group.first + r, gradients[r], group.rows.x + r * s.classes,
                   dx + r * s.classes);
    }
  });
}

const bool kForward = cross_entropy_kernels().add(
    {"cpu", kCPU, dtypes_of(FloatTypes{}),
     [](const CrossEntropy& s) {
       visit_dtype(FloatTypes{}, "cross_entropy", s.element, [&]<class T>() { forward<T>(s); });
     },
     1});
const bool kBackward = cross_entropy_backward_kernels().add(
    {"cpu", kCPU, dtypes_of(FloatTypes{}),
     [](const CrossEntropy& s) {
       visit_dtype(FloatTypes{}, "cross_entropy", s.element, [&]<class T>() { backward<T>(s); });
     },
     1});

}  // namespace
}  // namespace iolaus
