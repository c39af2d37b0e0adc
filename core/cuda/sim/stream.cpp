// The queues, and the runtime's functions for streams, events and graphs.
#include "core/cuda/sim/stream.h"

#include <cuda_runtime_api.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "core/cuda/sim/diagnosis.h"
#include "core/cuda/sim/memory.h"
#include "core/cuda/sim/options.h"

namespace iolaus::sim {
namespace {

struct StreamState;

// A stream's operations that are recorded rather than queued. They are replayed in the order in
// which they were recorded, which respects every dependency.
struct Capture {
  std::vector<std::function<bool()>> steps;
  StreamState* origin = nullptr;
  std::map<StreamState*, bool> members;  // and whether they have work that nobody waits for
  cudaStreamCaptureMode mode{};
  std::thread::id thread;
  bool is_valid = true;
  unsigned long long id = 0;
};

struct EventState {
  uint64_t recorded = 0, completed = 0;
  double completed_ms = 0;
  bool has_timing = true;
  std::shared_ptr<Capture> capture;  // recorded while it was captured, by this stream
  StreamState* capture_stream = nullptr;
};

struct Operation {
  std::function<bool()> run;
  std::shared_ptr<EventState> wait_for;
  uint64_t generation = 0;
  bool can_run() const { return wait_for == nullptr || wait_for->completed >= generation; }
};

struct StreamState {
  std::deque<Operation> queue;
  std::shared_ptr<Capture> capture;
};

struct Device {
  std::recursive_mutex mutex;
  StreamState default_stream;
  std::set<StreamState*> streams{&default_stream};
  std::set<Capture*> captures;
  cudaError_t error = cudaSuccess;
  size_t queued = 0;
  std::mt19937_64 random{options().seed};
  unsigned long long next_capture = 1;
};
Device& device() {
  static auto* one = new Device;
  return *one;
}

// How strict this thread is about the captures of others and its own; set by the runtime's
// function.
thread_local cudaStreamCaptureMode t_capture_mode = cudaStreamCaptureModeGlobal;

constexpr size_t kMaxQueued = 4096;  // beyond it the device works while the host goes on

StreamState* state(cudaStream_t stream) {
  if (stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread) {
    return &device().default_stream;
  }
  return reinterpret_cast<StreamState*>(stream);
}

double now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

void fail_device(Device& d, cudaError_t error) {
  d.error = error;
  for (StreamState* s : d.streams) s->queue.clear();
  d.queued = 0;
}

// Runs the first operation of a stream that can run; false where none can.
bool step(Device& d) {
  std::vector<StreamState*> runnable;
  for (StreamState* s : d.streams) {
    if (!s->queue.empty() && s->queue.front().can_run()) runnable.push_back(s);
  }
  if (runnable.empty()) return false;
  StreamState* chosen = runnable[runnable.size() == 1 ? 0 : d.random() % runnable.size()];
  const Operation operation = std::move(chosen->queue.front());
  chosen->queue.pop_front();
  --d.queued;
  if (operation.run != nullptr && !operation.run()) fail_device(d, cudaErrorLaunchFailure);
  return true;
}

void push(Device& d, StreamState* s, Operation operation) {
  s->queue.push_back(std::move(operation));
  if (++d.queued > kMaxQueued) {
    const OpenMemory open;
    step(d);
  }
}

void end_capture(Device& d, Capture& capture) {
  d.captures.erase(&capture);
  for (auto& [stream, unjoined] : capture.members) stream->capture = nullptr;
}

}  // namespace

cudaError_t enqueue(cudaStream_t stream, std::function<bool()> run) {
  Device& d = device();
  std::lock_guard lock(d.mutex);
  if (d.error != cudaSuccess) return d.error;
  StreamState* s = state(stream);
  if (s->capture != nullptr) {
    if (!s->capture->is_valid) return cudaErrorStreamCaptureInvalidated;
    s->capture->steps.push_back(std::move(run));
    if (s != s->capture->origin) s->capture->members[s] = true;
    return cudaSuccess;
  }
  push(d, s, {std::move(run), nullptr, 0});
  return cudaSuccess;
}

cudaError_t run_until(const std::function<bool()>& done) {
  Device& d = device();
  std::lock_guard lock(d.mutex);
  if (d.error == cudaSuccess && !done()) {
    const OpenMemory open;
    while (d.error == cudaSuccess && !done()) {
      if (!step(d)) {
        record_diagnosis("the device waits for an event that no stream will reach");
        fail_device(d, cudaErrorLaunchTimeout);
      }
    }
  }
  return d.error;
}

cudaError_t drain_stream(cudaStream_t stream) {
  const StreamState* s = state(stream);
  return run_until([s] { return s->queue.empty(); });
}

cudaError_t drain_device() {
  return run_until([] { return device().queued == 0; });
}

void run_one() {
  Device& d = device();
  std::lock_guard lock(d.mutex);
  if (d.error != cudaSuccess || d.queued == 0) return;
  const OpenMemory open;
  step(d);
}

bool is_stream_idle(cudaStream_t stream) {
  std::lock_guard lock(device().mutex);
  return state(stream)->queue.empty();
}

cudaError_t sticky_error() {
  std::lock_guard lock(device().mutex);
  return device().error;
}

void reset_device() {
  Device& d = device();
  std::lock_guard lock(d.mutex);
  fail_device(d, cudaSuccess);
  while (!d.captures.empty()) end_capture(d, **d.captures.begin());
  d.random.seed(options().seed);
  clear_diagnosis();
}

bool is_capturing(cudaStream_t stream) {
  std::lock_guard lock(device().mutex);
  return state(stream)->capture != nullptr;
}

bool capture_forbids_call() {
  Device& d = device();
  std::lock_guard lock(d.mutex);
  if (t_capture_mode == cudaStreamCaptureModeRelaxed) return false;
  bool forbids = false;
  for (Capture* c : d.captures) {
    const bool mine = c->thread == std::this_thread::get_id();
    if (c->mode == cudaStreamCaptureModeRelaxed ||
        ((c->mode == cudaStreamCaptureModeThreadLocal ||
          t_capture_mode == cudaStreamCaptureModeThreadLocal) &&
         !mine)) {
      continue;
    }
    c->is_valid = false;
    forbids = true;
  }
  return forbids;
}

}  // namespace iolaus::sim

using namespace iolaus::sim;

namespace {

using EventPtr = std::shared_ptr<EventState>;
const EventPtr& event_of(cudaEvent_t event) { return *reinterpret_cast<EventPtr*>(event); }

struct Graph {
  std::vector<std::function<bool()>> steps;
};
Graph* graph_of(void* graph) { return static_cast<Graph*>(graph); }

}  // namespace

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  // Streams that wait for the default one are not simulated: Iolaus makes none.
  if (flags != cudaStreamNonBlocking) return cudaErrorNotSupported;
  Device& d = device();
  std::lock_guard lock(d.mutex);
  auto* fresh = new StreamState;
  d.streams.insert(fresh);
  *stream = reinterpret_cast<cudaStream_t>(fresh);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const cudaError_t status = drain_stream(stream);
  Device& d = device();
  std::lock_guard lock(d.mutex);
  if (state(stream) == &d.default_stream) return cudaErrorInvalidResourceHandle;
  d.streams.erase(state(stream));
  delete state(stream);
  return status;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (is_capturing(stream) || capture_forbids_call()) return cudaErrorStreamCaptureUnsupported;
  return drain_stream(stream);
}

cudaError_t cudaDeviceSynchronize() {
  if (capture_forbids_call()) return cudaErrorStreamCaptureUnsupported;
  return drain_device();
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  if (is_capturing(stream)) return cudaErrorStreamCaptureUnsupported;
  if (sticky_error() != cudaSuccess) return sticky_error();
  if (is_stream_idle(stream)) return cudaSuccess;
  run_one();
  return cudaErrorNotReady;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  Device& d = device();
  std::lock_guard lock(d.mutex);
  if (d.error != cudaSuccess) return d.error;
  StreamState* s = state(stream);
  const EventPtr& e = event_of(event);
  if (e->capture != nullptr) {
    if (s->capture != nullptr && s->capture != e->capture) return cudaErrorStreamCaptureMerge;
    s->capture = e->capture;
    s->capture->members.try_emplace(s, false);
    if (s != e->capture_stream) s->capture->members[e->capture_stream] = false;
    return cudaSuccess;
  }
  if (s->capture != nullptr) return cudaErrorStreamCaptureIsolation;
  if (e->completed < e->recorded) push(d, s, {nullptr, e, e->recorded});
  return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t fn, void* data) {
  return enqueue(stream, [fn, data] { return fn(data), true; });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  auto* fresh = new EventPtr(std::make_shared<EventState>());
  (*fresh)->has_timing = (flags & cudaEventDisableTiming) == 0;
  *event = reinterpret_cast<cudaEvent_t>(fresh);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<EventPtr*>(event);
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Device& d = device();
  std::lock_guard lock(d.mutex);
  if (d.error != cudaSuccess) return d.error;
  StreamState* s = state(stream);
  const EventPtr e = event_of(event);
  e->capture = s->capture;
  e->capture_stream = s;
  if (s->capture != nullptr) return cudaSuccess;
  const uint64_t generation = ++e->recorded;
  push(d, s,
       {[e, generation] {
          e->completed = generation;
          e->completed_ms = now_ms();
          return true;
        },
        nullptr, 0});
  return cudaSuccess;
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
  return cudaEventRecord(event, stream);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  const EventPtr& e = event_of(event);
  if (e->capture != nullptr) return cudaErrorCapturedEvent;
  if (sticky_error() != cudaSuccess) return sticky_error();
  if (e->completed >= e->recorded) return cudaSuccess;
  run_one();
  return cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const EventPtr e = event_of(event);
  if (e->capture != nullptr) return cudaErrorCapturedEvent;
  return run_until([e] { return e->completed >= e->recorded; });
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t from, cudaEvent_t to) {
  const EventPtr &a = event_of(from), &b = event_of(to);
  if (!a->has_timing || !b->has_timing || a->recorded == 0 || b->recorded == 0) {
    return cudaErrorInvalidResourceHandle;
  }
  if (a->completed < a->recorded || b->completed < b->recorded) return cudaErrorNotReady;
  *ms = static_cast<float>(b->completed_ms - a->completed_ms);
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  Device& d = device();
  std::lock_guard lock(d.mutex);
  if (d.error != cudaSuccess) return d.error;
  StreamState* s = state(stream);
  if (s == &d.default_stream) return cudaErrorStreamCaptureUnsupported;
  if (s->capture != nullptr) return cudaErrorIllegalState;
  s->capture = std::make_shared<Capture>();
  s->capture->origin = s;
  s->capture->members[s] = false;
  s->capture->mode = mode;
  s->capture->thread = std::this_thread::get_id();
  s->capture->id = d.next_capture++;
  d.captures.insert(s->capture.get());
  return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(*mode, t_capture_mode);
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  Device& d = device();
  std::lock_guard lock(d.mutex);
  *graph = nullptr;
  const std::shared_ptr<Capture> capture = state(stream)->capture;
  if (capture == nullptr) return cudaErrorIllegalState;
  if (capture->origin != state(stream)) return cudaErrorStreamCaptureUnmatched;
  end_capture(d, *capture);
  if (!capture->is_valid) return cudaErrorStreamCaptureInvalidated;
  for (const auto& [member, unjoined] : capture->members) {
    if (unjoined) return cudaErrorStreamCaptureUnjoined;
  }
  *graph = reinterpret_cast<cudaGraph_t>(new Graph{std::move(capture->steps)});
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  std::lock_guard lock(device().mutex);
  const std::shared_ptr<Capture>& capture = state(stream)->capture;
  *status = capture == nullptr  ? cudaStreamCaptureStatusNone
            : capture->is_valid ? cudaStreamCaptureStatusActive
                                : cudaStreamCaptureStatusInvalidated;
  return cudaSuccess;
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                     unsigned long long* id, cudaGraph_t* graph,
                                     const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edges, size_t* count) {
  cudaStreamIsCapturing(stream, status);
  if (id != nullptr && *status == cudaStreamCaptureStatusActive) {
    std::lock_guard lock(device().mutex);
    *id = state(stream)->capture->id;
  }
  if (graph != nullptr) *graph = nullptr;
  if (dependencies != nullptr) *dependencies = nullptr;
  if (edges != nullptr) *edges = nullptr;
  if (count != nullptr) *count = 0;
  return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t*, size_t* count) {
  *count = graph_of(graph)->steps.size();
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = reinterpret_cast<cudaGraphExec_t>(new Graph(*graph_of(graph)));
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  for (const auto& step : graph_of(exec)->steps) {
    const cudaError_t status = enqueue(stream, step);
    if (status != cudaSuccess) return status;
  }
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete graph_of(exec);
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph_of(graph);
  return cudaSuccess;
}

}  // extern "C"
