// Streams, events and the current device. Each thread has one current stream per device, at first
// the default one; what this thread launches, copies and allocates is ordered on it.
#pragma once

#include <cuda_runtime_api.h>

#include "core/cuda/check.h"
#include "core/cuda/handle.h"
#include "core/device.h"

namespace iolaus::cuda {

/// Devices that can be used; 0 and no error where there is no driver.
int device_count();

/// Makes a device current for CUDA's calls of this thread, and the former one again at the end.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int previous_;
};

class Event;

/// A stream of a device: a value, valid until the program ends. Null is the default stream.
struct Stream {
  int device = 0;
  cudaStream_t handle = nullptr;

  bool operator==(const Stream&) const = default;
  /// Waits on the host until all work queued so far is done.
  void synchronize() const;
  /// Whether all work queued so far is done.
  bool is_idle() const;
  /// Work queued later waits until the event's work is done. Does not wait on the host.
  void wait(const Event& event) const;
};

/// One of the device's streams beside the default one, in turns (there are 16; they never end,
/// so that cached memory which belongs to one stays valid). Runs concurrently with the default.
Stream pool_stream(int device);
/// This thread's stream for a device.
Stream current_stream(int device);
void set_current_stream(Stream stream);

/// Makes a stream (and its device) current in a scope.
class StreamGuard {
 public:
  explicit StreamGuard(Stream stream)
      : device_(stream.device), previous_(current_stream(stream.device)) {
    set_current_stream(stream);
  }
  ~StreamGuard() { set_current_stream(previous_); }
  StreamGuard(const StreamGuard&) = delete;
  StreamGuard& operator=(const StreamGuard&) = delete;

 private:
  DeviceGuard device_;
  Stream previous_;
};

/// A mark in a stream's work.
class Event {
 public:
  /// timing makes elapsed_ms possible and costs a little.
  explicit Event(int device, bool timing = false);
  /// Marks the work queued so far; a second record moves the mark.
  void record(Stream stream);
  /// Whether the marked work is done (true for an event that was never recorded).
  bool is_done() const;
  void synchronize() const;
  /// Milliseconds from an earlier event's mark to this one's; both done, both with timing.
  float elapsed_ms(const Event& earlier) const;
  cudaEvent_t get() const { return handle_.get(); }

 private:
  Handle<cudaEvent_t, cudaEventDestroy> handle_;
};

/// What a kernel launch needs: the tensor's device made current, and this thread's stream on it.
class OnDevice {
 public:
  explicit OnDevice(Device device) : guard_(device.index), stream_(current_stream(device.index)) {}
  operator cudaStream_t() const { return stream_.handle; }
  Stream stream() const { return stream_; }

 private:
  DeviceGuard guard_;
  Stream stream_;
};

/// Facts about a device, asked once.
const cudaDeviceProp& device_properties(int device);

}  // namespace iolaus::cuda
