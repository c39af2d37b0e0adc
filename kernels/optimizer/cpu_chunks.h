// Lists of tensors as chunks of equal size for the threads of the CPU; the chunks depend on the
// sizes alone.
#pragma once

#include <algorithm>
#include <vector>

#include "core/parallel.h"

namespace iolaus::cpu {

inline constexpr int64_t kChunk = 8192;  // elements

struct Chunk {
  size_t item;
  int64_t begin, count;
};

template <class Item> std::vector<Chunk> make_chunks(const std::vector<Item>& items) {
  std::vector<Chunk> chunks;
  chunks.reserve(items.size() * 2);
  for (size_t i = 0; i < items.size(); ++i) {
    for (int64_t at = 0; at < items[i].numel; at += kChunk) {
      chunks.push_back({i, at, std::min(kChunk, items[i].numel - at)});
    }
  }
  return chunks;
}

/// Calls fn(chunk index) for all chunks, on all threads.
template <class Fn> void for_each_chunk(const std::vector<Chunk>& chunks, Fn&& fn) {
  parallel_for(static_cast<int64_t>(chunks.size()), 2, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) fn(static_cast<size_t>(i));
  });
}

}  // namespace iolaus::cpu
