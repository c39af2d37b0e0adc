// Many tensors in one launch: a launch carries the addresses of up to 40 tensors in its arguments;
// each block finds its tensor by the running count of blocks.
#pragma once

#include "kernels/gpu.h"
#include "kernels/optimizer/optimizer.h"

namespace iolaus::optimizer {

constexpr int kThreads = 256;
constexpr int64_t kBlockElements = 4096;
constexpr int kItems = 40;  // of a launch; its arguments stay below 4 KiB

// Item of a block: the last one that starts at or before it.
template <class Batch> __device__ __forceinline__ int item_of(const Batch& batch) {
  int low = 0, high = batch.count - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (batch.first_block[middle] <= blockIdx.x) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

// Calls body(item, i) for the elements of this block.
template <class Batch, class Body>
__device__ __forceinline__ void for_block(const Batch& batch, Body body) {
  const int item = item_of(batch);
  const int64_t begin = static_cast<int64_t>(blockIdx.x - batch.first_block[item]) * kBlockElements;
  const int64_t n = batch.items[item].numel;
  const int64_t end = begin + kBlockElements < n ? begin + kBlockElements : n;
  for (int64_t i = begin + threadIdx.x; i < end; i += kThreads) body(batch.items[item], i);
}

template <class Item> struct Batch {
  int count = 0;
  unsigned first_block[kItems];
  Item items[kItems];
};

// Cuts a list into launches: fill(item) makes an entry, run(batch, blocks) launches.
template <class Item, class List, class Fill, class Run>
void for_batches(const List& list, Fill fill, Run run) {
  Batch<Item> batch;
  int64_t blocks = 0;
  const auto flush = [&] {
    if (batch.count > 0) run(batch, static_cast<unsigned>(blocks));
    batch.count = 0;
    blocks = 0;
  };
  for (const auto& item : list) {
    if (item.numel == 0) continue;
    const int64_t own = gpu::ceil_div(item.numel, kBlockElements);
    IOLAUS_CHECK_CODE(own < (int64_t{1} << 30), ErrorCode::kUnsupported,
                      "[optimizer] a tensor of {} elements is too large", item.numel);
    if (batch.count == kItems || blocks + own >= (int64_t{1} << 31)) flush();
    batch.first_block[batch.count] = static_cast<unsigned>(blocks);
    batch.items[batch.count++] = fill(item);
    blocks += own;
  }
  flush();
}

struct StepItem {
  void* param;
  const void* grad;
  void* state[3];
  int64_t numel;
  double first, second, third;  // sgd: 1 at the first step; adam: lr / (1 - b1^t), sqrt(1 - b2^t)
};

template <class T, class Rule>
__global__ void __launch_bounds__(kThreads)
    optimizer_kernel(const __grid_constant__ Batch<StepItem> batch, Rule rule) {
  for_block(batch, [&](const StepItem& item, int64_t i) { rule.template operator()<T>(item, i); });
}

template <class T, class Rule, class Fill>
void launch_steps(const OptimizerStep& s, const Rule& rule, Fill fill) {
  const cuda::OnDevice stream(s.device());
  for_batches<StepItem>(s.items, fill, [&](const Batch<StepItem>& batch, unsigned blocks) {
    gpu::launch(optimizer_kernel<T, Rule>, blocks, kThreads, 0, stream, batch, rule);
  });
}

}  // namespace iolaus::optimizer
