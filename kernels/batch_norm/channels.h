// Loops over the elements of channels, for batch_norm on the CPU. Contiguous: a channel is a set of
// dense rows (one an image), and one thread's. Channels-last: rows of channels, in blocks that
// depend on the shape only, whose sums are added in order. No result depends on the threads.
#pragma once

#include <algorithm>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/statistics.h"

namespace iolaus::channels {

inline constexpr int64_t kGrain = 16384;    // elements that are worth a thread
inline constexpr int64_t kBlockRows = 128;  // rows of channels whose sums are added up in one block

/// Whether the elements lie in rows of channels; else each channel is a set of dense rows.
inline bool is_channels_last(const ChannelLayout& l) {
  return l.channel_stride == 1 && l.channels > 1;
}

/// Calls fn(c) for every channel of a contiguous tensor.
template <class Fn> void for_channels(const ChannelLayout& l, Fn&& fn) {
  parallel_for(l.channels, kGrain / (l.batch * l.inner) + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t c = begin; c < end; ++c) fn(c);
    });
  });
}

/// Calls fn(offset) for every element of channel c of a contiguous tensor, as dense loops.
template <class Fn> inline void for_channel(const ChannelLayout& l, int64_t c, Fn&& fn) {
  for (int64_t n = 0; n < l.batch; ++n) {
    const int64_t first = n * l.batch_stride + c * l.channel_stride;
    for (int64_t i = 0; i < l.inner; ++i) fn(first + i);
  }
}

/// totals[j] = sum over the elements of channel c of a contiguous tensor of term(offset, j).
/// Partial sums go on over short rows.
template <class M, int kTerms, class Fn>
inline void channel_sum(const ChannelLayout& l, int64_t c, Fn&& term, double* totals) {
  constexpr int64_t kLanes = 64, kFew = 16, kHeld = 1024;
  M lanes[kTerms][kLanes] = {};
  const auto add = [&]<int64_t kWidth>(std::integral_constant<int64_t, kWidth>, int64_t at) {
    for (int64_t k = 0; k < kWidth; ++k) {
      for (int j = 0; j < kTerms; ++j) lanes[j][k] += term(at + k, j);
    }
  };
  std::fill_n(totals, kTerms, 0.0);
  for (int64_t n = 0, held = 0; n < l.batch; ++n) {
    int64_t at = n * l.batch_stride + c * l.channel_stride;
    const int64_t end = at + l.inner;
    for (; at + kLanes <= end; at += kLanes) add(std::integral_constant<int64_t, kLanes>{}, at);
    for (; at + kFew <= end; at += kFew) add(std::integral_constant<int64_t, kFew>{}, at);
    for (; at < end; ++at) add(std::integral_constant<int64_t, 1>{}, at);
    held += l.inner;
    if (held < kHeld && n + 1 < l.batch) continue;
    held = 0;
    for (int j = 0; j < kTerms; ++j) {
      totals[j] +=
          static_cast<double>(sum_terms<M>(kLanes, [&](int64_t k) { return lanes[j][k]; }));
      std::fill_n(lanes[j], kLanes, M(0));
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
