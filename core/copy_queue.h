// CopyQueue: copies to a device that run beside the work of its current stream, for data that are
// needed later. First in, first out.
#pragma once

#include <memory>

#include "core/tensor.h"

namespace iolaus {

class CopyQueue {
 public:
  virtual ~CopyQueue() = default;
  /// Queues copies of pinned CPU tensors to the device and returns at once.
  /// Errors: kInvalidArgument for other tensors; kOutOfMemory.
  virtual void send(const Tensors& pinned) = 0;
  /// The copies of the oldest send(); what the current stream does from now on waits for them.
  /// Errors: kInternal where there is none.
  virtual Tensors receive() = 0;
};

/// Null for devices without streams (the CPU).
std::unique_ptr<CopyQueue> make_copy_queue(Device device);
/// Called once, at start, by core/cuda.
void register_cuda_copy_queue(std::unique_ptr<CopyQueue> (*make)(int device));

}  // namespace iolaus
