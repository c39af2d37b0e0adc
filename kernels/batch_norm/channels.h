// Loops over the elements of channels, for batch_norm on the CPU. Contiguous: a channel is a set of
// dense rows (one an image), and one thread's. Channels-last: rows of channels, in blocks that
// depend on the shape only, whose sums are added in order. No result depends on the threads.
#pragma once

#include <algorithm>
#include <type_traits>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/statistics.h"
#include "kernels/vector.h"

namespace iolaus::channels {

inline constexpr int64_t kGrain = 16384;    // elements that are worth a thread
inline constexpr int64_t kBlockRows = 128;  // rows of channels whose sums are added up in one block

/// Whether the elements lie in rows of channels; else each channel is a set of dense rows.
inline bool is_channels_last(const ChannelLayout& l) {
  return l.channel_stride == 1 && l.channels > 1;
}

/// A vector, or one number, of consecutive elements in the type that is computed in.
template <class V, class T> inline V load_as(const T* from) {
  if constexpr (std::is_arithmetic_v<V>) {
    return static_cast<V>(*from);
  } else if constexpr (std::is_same_v<MathType<T>, T>) {
    return load_vector<V>(from);
  } else {
    constexpr int64_t kLanes = sizeof(V) / sizeof(MathType<T>);
    MathType<T> values[kLanes];
    for (int64_t i = 0; i < kLanes; ++i) values[i] = static_cast<MathType<T>>(from[i]);
    return load_vector<V>(values);
  }
}
template <class V, class T> inline void store_as(const V& v, T* to) {
  if constexpr (std::is_arithmetic_v<V>) {
    *to = static_cast<T>(v);
  } else if constexpr (std::is_same_v<MathType<T>, T>) {
    store_vector(to, v);
  } else {
    constexpr int64_t kLanes = sizeof(V) / sizeof(MathType<T>);
    for (int64_t i = 0; i < kLanes; ++i) to[i] = static_cast<T>(v[i]);
  }
}

/// Calls fn(std::integral_constant<int, bytes of a vector>, c) for every channel of a contiguous
/// tensor.
template <class Fn> void for_channels(const ChannelLayout& l, Fn&& fn) {
  parallel_for(l.channels, kGrain / (l.batch * l.inner) + 1, [&](int64_t begin, int64_t end) {
    run_wide([&](auto bytes) {
      for (int64_t c = begin; c < end; ++c) fn(bytes, c);
    });
  });
}

/// Calls fn(V or M, offset) for the elements of channel c of a contiguous tensor: for vectors V,
/// the last of a row moved back to end with it (so some elements come twice), or single ones where
/// rows are shorter.
template <class M, int kBytes, class Fn>
inline void for_channel(const ChannelLayout& l, int64_t c, Fn&& fn) {
  using V = Vector<M, kBytes>;
  constexpr int64_t kLanes = kBytes / static_cast<int>(sizeof(M));
  for (int64_t n = 0; n < l.batch; ++n) {
    const int64_t first = n * l.batch_stride + c * l.channel_stride;
    int64_t i = 0;
    if (l.inner >= kLanes) {
      for (; i + kLanes <= l.inner; i += kLanes) fn(V{}, first + i);
      if (i < l.inner) fn(V{}, first + l.inner - kLanes);
    } else {
      for (; i < l.inner; ++i) fn(M{}, first + i);
    }
  }
}

/// totals[j] = sum over the elements of channel c of a contiguous tensor of term(V or M, offset,
/// j), as for_channel, each element once. Partial sums go on over short rows.
template <class M, int kBytes, int kTerms, class Fn>
inline void channel_sum(const ChannelLayout& l, int64_t c, Fn&& term, double* totals) {
  using V = Vector<M, kBytes>;
  using Index = Vector<std::conditional_t<sizeof(M) == 4, int32_t, int64_t>, kBytes>;
  constexpr int64_t kLanes = kBytes / static_cast<int>(sizeof(M)), kChains = 4, kHeld = 1024;
  Index lane{};
  for (int64_t i = 0; i < kLanes; ++i) lane[i] = static_cast<int>(i);
  V sums[kTerms][kChains] = {};
  M few[kTerms] = {};
  std::fill_n(totals, kTerms, 0.0);
  for (int64_t n = 0, held = 0; n < l.batch; ++n) {
    const int64_t first = n * l.batch_stride + c * l.channel_stride;
    int64_t i = 0;
    for (; i + kChains * kLanes <= l.inner; i += kChains * kLanes) {
      for (int64_t k = 0; k < kChains; ++k) {
        for (int j = 0; j < kTerms; ++j) sums[j][k] += term(V{}, first + i + k * kLanes, j);
      }
    }
    for (; i + kLanes <= l.inner; i += kLanes) {
      for (int j = 0; j < kTerms; ++j) sums[j][0] += term(V{}, first + i, j);
    }
    if (i < l.inner && l.inner >= kLanes) {
      const Index is_new = lane >= static_cast<int>(kLanes - (l.inner - i));
      for (int j = 0; j < kTerms; ++j) {
        sums[j][1] += is_new ? term(V{}, first + l.inner - kLanes, j) : V{};
      }
    } else {
      for (; i < l.inner; ++i) {
        for (int j = 0; j < kTerms; ++j) few[j] += term(M{}, first + i, j);
      }
    }
    held += l.inner;
    if (held < kHeld && n + 1 < l.batch) continue;
    held = 0;
    for (int j = 0; j < kTerms; ++j) {
      const V all = (sums[j][0] + sums[j][1]) + (sums[j][2] + sums[j][3]);
      totals[j] += static_cast<double>(sum_elements<M, kBytes>(all) + few[j]);
      for (int64_t k = 0; k < kChains; ++k) sums[j][k] = V{};
      few[j] = 0;
    }
  }
}

/// sums[j][c] = sum over the elements of channel c of term_j(offset, c), for kTerms terms, of a
/// channels-last tensor. Compiles to dense loops over the channels.
template <class M, int kTerms, class Fn>
void channel_sums(const ChannelLayout& l, double* sums, Fn&& terms) {
  const int64_t channels = l.channels;
  const int64_t rows = l.batch * l.inner, blocks = (rows + kBlockRows - 1) / kBlockRows;
  Scratch<M> partial(blocks * kTerms * channels);
  parallel_for(blocks, kGrain / (kBlockRows * channels) + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t b = begin; b < end; ++b) {
        M* __restrict to = partial.data() + b * kTerms * channels;
        std::fill_n(to, kTerms * channels, M(0));
        for (int64_t r = b * kBlockRows; r < std::min(rows, (b + 1) * kBlockRows); ++r) {
          for (int j = 0; j < kTerms; ++j) {
            for (int64_t c = 0; c < channels; ++c) {
              to[j * channels + c] += terms(r * channels + c, c, j);
            }
          }
        }
      }
    });
  });
  std::fill_n(sums, kTerms * channels, 0.0);
  for (int64_t b = 0; b < blocks; ++b) {
    for (int64_t i = 0; i < kTerms * channels; ++i) {
      sums[i] += static_cast<double>(partial[b * kTerms * channels + i]);
    }
  }
}

/// Calls fn(offset, c) for every element, as dense loops.
template <class Fn> void for_elements(const ChannelLayout& l, Fn&& fn) {
  const bool last = is_channels_last(l);
  const int64_t rows = last ? l.batch * l.inner : l.batch * l.channels;
  const int64_t width = last ? l.channels : l.inner;
  parallel_for(rows, kGrain / std::max<int64_t>(width, 1) + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t r = begin; r < end; ++r) {
        if (last) {
          for (int64_t c = 0; c < width; ++c) fn(r * width + c, c);
        } else {
          const int64_t c = r % l.channels;
          for (int64_t i = 0; i < width; ++i) fn(r * width + i, c);
        }
      }
    });
  });
}

}  // namespace iolaus::channels
