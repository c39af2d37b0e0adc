// A stream of its own. Memory for the copies belongs to that stream, so that a copy never waits for
// what the current stream still does with an older block; once received it is recorded on the
// current stream, and waits for that when it is freed.
#include "core/copy_queue.h"

#include <deque>

#include "core/cuda/allocator.h"
#include "core/cuda/stream.h"
#include "core/error.h"

namespace iolaus::cuda {
namespace {

class CudaCopyQueue final : public CopyQueue {
 public:
  explicit CudaCopyQueue(int device) : device_(kCUDA, device), stream_(pool_stream(device)) {}

  void send(const Tensors& pinned) override {
    const StreamGuard guard(stream_);
    Sent sent{{}, Event(device_.index)};
    for (const Tensor& from : pinned) {
      IOLAUS_CHECK(
          from.device().is_cpu() && from.is_contiguous() && (from.numel() == 0 || from.is_pinned()),
          "[copy] expected contiguous tensors in pinned memory, got {}", from.describe());
      const Tensor& to = sent.tensors.emplace_back(
          empty(from.sizes(), {.dtype = from.dtype(), .device = device_}));
      if (from.numel() == 0) continue;
      backend(kCUDA).copy_pinned(to.raw_data(), device_, from.raw_data(), Device(), from.nbytes(),
                                 from.storage()->data());
    }
    sent.done.record(stream_);
    queue_.push_back(std::move(sent));
  }

  Tensors receive() override {
    IOLAUS_CHECK_CODE(!queue_.empty(), ErrorCode::kInternal, "[copy] nothing was sent");
    Sent sent = std::move(queue_.front());
    queue_.pop_front();
    const Stream stream = current_stream(device_.index);
    stream.wait(sent.done);
    for (const Tensor& t : sent.tensors) {
      if (t.numel() == 0) continue;
      device_allocator(device_.index).record_stream(t.storage()->data(), stream.handle);
    }
    return std::move(sent.tensors);
  }

 private:
  struct Sent {
    Tensors tensors;
    Event done;
  };
  Device device_;
  Stream stream_;
  std::deque<Sent> queue_;
};

const bool kRegistered = [] {
  register_cuda_copy_queue([](int device) -> std::unique_ptr<CopyQueue> {
    return std::make_unique<CudaCopyQueue>(device);
  });
  return true;
}();

}  // namespace
}  // namespace iolaus::cuda
