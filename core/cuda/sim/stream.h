// Streams, events and graphs of the simulated device. Work that is queued runs late: only when the
// host waits for it, and of several streams in an order that the seed chooses. So host code that
// forgets to wait, or two streams without an event between them, show.
#pragma once

#include <driver_types.h>

#include <functional>

namespace iolaus::sim {

/// Queues an operation on a stream (null: the default one). run gets the device's memory open, and
/// returns false (or records a diagnosis) where it failed. While the stream is captured, the
/// operation becomes a part of the graph instead.
cudaError_t enqueue(cudaStream_t stream, std::function<bool()> run);

/// Runs what is queued until done() holds; the sticky error, if there is one.
cudaError_t run_until(const std::function<bool()>& done);
/// Waits for all of a stream, or of the device.
cudaError_t drain_stream(cudaStream_t stream);
cudaError_t drain_device();
/// Runs one operation, so that a host that asks again and again gets its answer.
void run_one();
bool is_stream_idle(cudaStream_t stream);

/// The error that ends the device: set by the first failed operation, returned by every call after
/// it until the device is reset.
cudaError_t sticky_error();
/// Forgets queued work, errors and diagnoses; memory stays. For tests.
void reset_device();

/// Whether a capture forbids a call that waits or allocates, made by this thread; then the capture
/// is invalid from now on.
bool capture_forbids_call();
bool is_capturing(cudaStream_t stream);

}  // namespace iolaus::sim
