// The record of index errors and its message.
#include "core/cuda/device_error.h"

#include <atomic>

#include "core/cuda/capture.h"
#include "core/cuda/check.h"
#include "core/error.h"

namespace iolaus::cuda {
namespace {

std::atomic<IndexError*> g_record{nullptr};

}  // namespace

IndexError* index_error_record() {
  static IndexError* record = [] {
    const AllowWhileCapturing allow;
    void* memory = nullptr;
    IOLAUS_CUDA_CHECK("cuda", cudaHostAlloc(&memory, sizeof(IndexError),
                                            cudaHostAllocPortable | cudaHostAllocMapped));
    auto* fresh = static_cast<IndexError*>(memory);
    *fresh = {IndexedOp::kNone, 0, 0, 0};
    g_record.store(fresh, std::memory_order_release);
    return fresh;
  }();
  return record;
}

void throw_index_error() {
  IndexError* record = g_record.load(std::memory_order_acquire);
  if (record == nullptr) return;
  const volatile IndexedOp& op = record->op;
  if (op == IndexedOp::kNone) [[likely]]
    return;
  const IndexError error = *record;
  record->op = IndexedOp::kNone;
  fail(ErrorCode::kIndex, "[{}] expected indices in [0, {}), got {} at position {}",
       reinterpret_cast<const char*>(static_cast<uintptr_t>(error.op)), error.bound, error.index,
       error.position);
}

}  // namespace iolaus::cuda
