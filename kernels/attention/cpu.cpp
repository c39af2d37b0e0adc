// attention on the CPU: blocks of 128 queries by 256 keys, whose products are GEMMs; softmax
// online, so that no more than a block of scores exists. Forward is split over heads and blocks of
// queries, backward over the heads of k and v, which each task sums in order: deterministic.
#include "core/parallel.h"
#include "kernels/attention/cpu_blocks.h"
#include "kernels/elementwise/domain.h"
#include "kernels/softmax/cpu_rows.h"

namespace iolaus {
namespace {

using cpu::kKeyBlock;
using cpu::kQueryBlock;

// Scores of one block of rows become exponentials of their difference to the rows' maxima; sums and
// what was summed before (out) are brought to the new maxima.
template <class M>
void add_block(int64_t rows, int64_t columns, M* s, int64_t width, M* largest, M* sum, M* out) {
  for (int64_t r = 0; r < rows; ++r) {
    M* row = s + r * kKeyBlock;
    const M before = largest[r];
    const M now = cpu::MaxStep::step(before, cpu::reduce_row<cpu::MaxStep>(row, columns));
    const M shift = now == -std::numeric_limits<M>::infinity() ? M(0) : now;
    cpu::exp_shifted(static_cast<const M*>(row), shift, row, columns);
    const M total = cpu::reduce_row<cpu::SumStep>(static_cast<const M*>(row), columns);
    if (now != before) {
      const M factor = math::exp(before - shift);  // 0 for the first block
      sum[r] *= factor;
      M* o = out + r * width;
      simd::run([&] {
        for (int64_t d = 0; d < width; ++d) o[d] *= factor;
      });
    }
    largest[r] = now;
    sum[r] += total;
  }
}

template <class T>
void forward_block(const Attention& p, int64_t b, int64_t h, int64_t i, int64_t rows) {
  using M = MathType<T>;
  const int64_t shared = h / p.group(), keys = cpu::visible_keys(p, i + rows);
  const Scratch<M> q_copy(rows * p.width), k_copy(kKeyBlock * p.width),
      v_copy(kKeyBlock * p.value_width), s(rows * kKeyBlock), out(rows * p.value_width);
  M largest[kQueryBlock], sum[kQueryBlock];
  std::fill_n(largest, rows, -std::numeric_limits<M>::infinity());
  std::fill_n(sum, rows, M(0));
  std::fill_n(out.data(), rows * p.value_width, M(0));
  const auto q = cpu::rows_of<T>(p.q, b, h, i, rows, p.width, q_copy.data());
  for (int64_t j = 0; j < keys; j += kKeyBlock) {
    const int64_t columns = std::min(kKeyBlock, keys - j);
    const auto k = cpu::rows_of<T>(p.k, b, shared, j, columns, p.width, k_copy.data());
    const auto v = cpu::rows_of<T>(p.v, b, shared, j, columns, p.value_width, v_copy.data());
    cpu::scores<T>(p, b, h, i, rows, j, columns, q, k, s.data());
    add_block(rows, columns, s.data(), p.value_width, largest, sum, out.data());
    cpu::multiply<M>(rows, p.value_width, columns, M(1), {s.data(), kKeyBlock, 1}, v, M(1),
                     out.data(), p.value_width);
  }
  M* lse = static_cast<M*>(p.lse) + (b * p.heads + h) * p.queries + i;
  for (int64_t r = 0; r < rows; ++r) {
    // Nothing was seen: zeros (0 / 0 would be NaN).
    const M inverse = sum[r] == M(0) ? M(0) : M(1) / sum[r];
    M* o = out.data() + r * p.value_width;
    for (int64_t d = 0; d < p.value_width; ++d) o[d] *= inverse;
    lse[r] = sum[r] == M(0) ? largest[r] : largest[r] + std::log(sum[r]);
  }
  cpu::store_rows<T>(out.data(), p.out, b, h, i, rows, p.value_width);
}

void forward(const Attention& p) {
  visit_dtype(FloatTypes{}, "attention", p.element, [&]<class T>() {
    const int64_t blocks = (p.queries + kQueryBlock - 1) / kQueryBlock;
    const int64_t work = kQueryBlock * p.keys * (p.width + p.value_width);
    const int64_t grain = std::max<int64_t>(1, 200000 / std::max<int64_t>(work, 1));
    parallel_for(p.batch * p.heads * blocks, grain, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t i = t % blocks * kQueryBlock, head = t / blocks;
        forward_block<T>(p, head / p.heads, head % p.heads, i,
                         std::min(kQueryBlock, p.queries - i));
      }
    });
  });
}

// Everything that belongs to one head of k and v.
template <class T> class HeadBackward {
 public:
  using M = MathType<T>;
  HeadBackward(const Attention& p, int64_t b, int64_t shared)
      : p_(p),
        b_(b),
        shared_(shared),
        q_(kQueryBlock * p.width),
        k_(kKeyBlock * p.width),
        v_(kKeyBlock * p.value_width),
        g_(kQueryBlock * p.value_width),
        out_(kQueryBlock * p.value_width),
        s_(kQueryBlock * kKeyBlock),
        ds_(kQueryBlock * kKeyBlock),
        dq_(kQueryBlock * p.width),
        dk_(p.keys * p.width),
        dv_(p.keys * p.value_width) {}

  void run() {
    std::fill_n(dk_.data(), p_.keys * p_.width, M(0));
    std::fill_n(dv_.data(), p_.keys * p_.value_width, M(0));
    for (int64_t h = shared_ * p_.group(); h < (shared_ + 1) * p_.group(); ++h) {
      for (int64_t i = 0; i < p_.queries; i += kQueryBlock) {
        add_queries(h, i, std::min(kQueryBlock, p_.queries - i));
      }
    }
    cpu::store_rows<T>(dk_.data(), p_.dk, b_, shared_, 0, p_.keys, p_.width);
    cpu::store_rows<T>(dv_.data(), p_.dv, b_, shared_, 0, p_.keys, p_.value_width);
  }

 private:
  void add_queries(int64_t h, int64_t i, int64_t rows) {
    const auto q = cpu::rows_of<T>(p_.q, b_, h, i, rows, p_.width, q_.data());
    const auto g = cpu::rows_of<T>(p_.g, b_, h, i, rows, p_.value_width, g_.data());
    const auto out = cpu::rows_of<T>(p_.out, b_, h, i, rows, p_.value_width, out_.data());
    M total[kQueryBlock];  // sum_j g_j out_j of each row
    for (int64_t r = 0; r < rows; ++r) {
      total[r] = sum_terms<M>(p_.value_width, [&](int64_t d) {
        return g.data[r * g.row + d] * out.data[r * out.row + d];
      });
    }
    const M* lse = static_cast<const M*>(p_.lse) + (b_ * p_.heads + h) * p_.queries + i;
    std::fill_n(dq_.data(), rows * p_.width, M(0));
    const int64_t keys = cpu::visible_keys(p_, i + rows);
    for (int64_t j = 0; j < keys; j += kKeyBlock) {
      add_pair(h, i, rows, j, std::min(kKeyBlock, keys - j), q, g, lse, total);
    }
    cpu::store_rows<T>(dq_.data(), p_.dq, b_, h, i, rows, p_.width);
  }

  void add_pair(int64_t h, int64_t i, int64_t rows, int64_t j, int64_t columns,
                const cpu::Block<M>& q, const cpu::Block<M>& g, const M* lse, const M* total) {
    const auto k = cpu::rows_of<T>(p_.k, b_, shared_, j, columns, p_.width, k_.data());
    const auto v = cpu::rows_of<T>(p_.v, b_, shared_, j, columns, p_.value_width, v_.data());
    const cpu::Block<M> s{s_.data(), kKeyBlock, 1}, ds{ds_.data(), kKeyBlock, 1};
    cpu::scores<T>(p_, b_, h, i, rows, j, columns, q, k, s_.data());
    cpu::multiply<M>(rows, columns, p_.value_width, M(1), g, v.transposed(), M(0), ds_.data(),
                     kKeyBlock);
    const M scale = static_cast<M>(p_.scale);
    for (int64_t r = 0; r < rows; ++r) {
      M *x = s_.data() + r * kKeyBlock, *y = ds_.data() + r * kKeyBlock;
      // A row that saw nothing: all scores are -inf, and so is lse.
      const M shift = lse[r] == -std::numeric_limits<M>::infinity() ? M(0) : lse[r];
      cpu::exp_shifted(static_cast<const M*>(x), shift, x, columns);
      const M sum = total[r];
      simd::run([&] {
        for (int64_t c = 0; c < columns; ++c) y[c] = x[c] * (y[c] - sum) * scale;
      });
    }
    cpu::multiply<M>(columns, p_.value_width, rows, M(1), s.transposed(), g, M(1),
                     dv_.data() + j * p_.value_width, p_.value_width);
    cpu::multiply<M>(columns, p_.width, rows, M(1), ds.transposed(), q, M(1),
                     dk_.data() + j * p_.width, p_.width);
    cpu::multiply<M>(rows, p_.width, columns, M(1), ds, k, M(1), dq_.data(), p_.width);
  }

  const Attention& p_;
  int64_t b_, shared_;
  Scratch<M> q_, k_, v_, g_, out_, s_, ds_, dq_, dk_, dv_;
};

void backward(const Attention& p) {
  visit_dtype(FloatTypes{}, "attention_backward", p.element, [&]<class T>() {
    parallel_for(p.batch * p.kv_heads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        HeadBackward<T>(p, t / p.kv_heads, t % p.kv_heads).run();
      }
    });
  });
}

const bool kForward = attention_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), forward, 1});
const bool kBackward =
    attention_backward_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), backward, 1});

}  // namespace
}  // namespace iolaus
