// Replays the allocations of training steps through the caching allocator: how much memory it
// reserves beyond what is in use, and how long one allocation and its free take.
//
//   bench_allocator               records a CNN's steps, then replays them
//   bench_allocator --write FILE  also writes the trace, one event a line: "a ID BYTES", "f ID"
//   bench_allocator --read FILE   replays such a trace, or one that allocator_torch.py made
//
// The steps have batches of two sizes and evaluation between.
// The memory is fake (addresses only) unless a CUDA device is there, which is then measured too.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
#include "core/allocator/caching_allocator.h"
#include "core/error.h"
#include "core/memory.h"
#include "nn/layers/conv.h"
#include "nn/layers/dropout.h"
#include "nn/layers/function.h"
#include "nn/layers/linear.h"
#include "nn/layers/pool.h"
#include "nn/layers/sequential.h"
#include "nn/optim/optimizer.h"

using namespace iolaus;

namespace {

struct TraceEvent {
  bool is_alloc;
  uint32_t id;
  size_t nbytes;
};
using Trace = std::vector<TraceEvent>;

// Stands before the CPU's backend and writes down what tensors ask of it. Locked, because the
// threads of a parallel loop allocate their own scratch memory.
class Recorder final : public Backend {
 public:
  explicit Recorder(Backend& real) : real_(real) {}
  int device_count() override { return 1; }
  void* allocate(Device device, size_t nbytes) override {
    void* data = real_.allocate(device, nbytes);
    const std::lock_guard lock(mutex_);
    ids_[data] = next_;
    trace.push_back({true, next_++, nbytes});
    return data;
  }
  void free(Device device, void* data, size_t nbytes) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = ids_.find(data); found != ids_.end()) {
        trace.push_back({false, found->second, 0});
        ids_.erase(found);
      }
    }
    real_.free(device, data, nbytes);
  }
  void copy(void* dst, Device dst_device, const void* src, Device src_device, size_t n) override {
    real_.copy(dst, dst_device, src, src_device, n);
  }
  void synchronize(Device device) override { real_.synchronize(device); }
  void empty_cache() override { real_.empty_cache(); }
  Trace trace;

 private:
  Backend& real_;
  std::mutex mutex_;
  std::unordered_map<void*, uint32_t> ids_;
  uint32_t next_ = 0;
};

void train_cnn() {
  nn::Sequential model;
  const auto relu_layer = [] {
    return std::make_shared<nn::FunctionLayer>("ReLU", "", [](const Tensor& t) { return relu(t); });
  };
  model.add(std::make_shared<nn::Conv2d>(1, 16, Dims{3}));
  model.add(relu_layer());
  model.add(std::make_shared<nn::Conv2d>(16, 32, Dims{3}));
  model.add(relu_layer());
  model.add(std::make_shared<nn::MaxPool2d>(Dims{2}));
  model.add(std::make_shared<nn::FunctionLayer>("Flatten", "", [](const Tensor& t) {
    return reshape(t, {t.size(0), -1});
  }));
  model.add(std::make_shared<nn::Linear>(32 * 12 * 12, 64));
  model.add(relu_layer());
  model.add(std::make_shared<nn::Dropout>(0.5));
  model.add(std::make_shared<nn::Linear>(64, 10));
  nn::SGD optimizer(nn::one_group(model.parameters()), {{"lr", 0.01},
                                                        {"momentum", 0.9},
                                                        {"dampening", 0},
                                                        {"weight_decay", 0},
                                                        {"nesterov", 0},
                                                        {"maximize", 0}});
  for (int step = 0; step < 12; ++step) {
    const int64_t batch = step % 6 == 5 ? 149 : 256;  // each sixth is an epoch's short last one
    const Tensor x = rand({batch, 1, 28, 28}), y = randint(0, 10, {batch}, {.dtype = kInt64});
    optimizer.zero_grad();
    cross_entropy(model(x), y).backward();
    optimizer.step();
    if (step % 6 != 5) continue;
    const NoGrad no_grad;
    model.eval();
    model(rand({400, 1, 28, 28}));
    model.train();
  }
}

Trace record() {
  Backend& real = backend(kCPU);
  static Recorder recorder(real);
  register_backend(kCPU, recorder);
  train_cnn();
  register_backend(kCPU, real);
  return std::move(recorder.trace);
}

Trace read(const std::string& path) {
  std::ifstream file(path);
  IOLAUS_CHECK_CODE(file.good(), ErrorCode::kIo, "cannot open '{}'", path);
  Trace trace;
  char kind = 0;
  while (file >> kind) {
    TraceEvent event{kind == 'a', 0, 0};
    file >> event.id;
    if (event.is_alloc) file >> event.nbytes;
    IOLAUS_CHECK_CODE(file && (kind == 'a' || kind == 'f'), ErrorCode::kCorrupt,
                      "'{}': event {} is neither 'a ID BYTES' nor 'f ID'", path, trace.size() + 1);
    trace.push_back(event);
  }
  return trace;
}

void write(const Trace& trace, const std::string& path) {
  std::ofstream file(path);
  for (const TraceEvent& e : trace) {
    file << (e.is_alloc ? fmt::format("a {} {}\n", e.id, e.nbytes) : fmt::format("f {}\n", e.id));
  }
}

// Addresses without end; requests cost nothing, so that only the allocator's own time shows.
class EndlessMemory final : public MemorySource {
 public:
  explicit EndlessMemory(bool can_map) : can_map_(can_map) {}
  void* allocate(size_t nbytes) override {
    next_ += nbytes + (size_t{2} << 20);
    return reinterpret_cast<void*>(next_ - nbytes);
  }
  void release(void*) noexcept override {}
  void capacity(size_t& free_bytes, size_t& total_bytes) override {
    free_bytes = total_bytes = size_t{80} << 30;
  }
  void* record_event(StreamKey) noexcept override { return nullptr; }
  bool is_done(void*) override { return true; }
  void wait(void*) override {}
  void release_event(void*) noexcept override {}
  void* reserve(size_t nbytes) override { return can_map_ ? allocate(nbytes) : nullptr; }
  bool map(void*, size_t, size_t) override { return true; }

 private:
  bool can_map_;
  uintptr_t next_ = size_t{1} << 40;
};

template <class Alloc, class Free> double run(const Trace& trace, Alloc alloc, Free release) {
  std::unordered_map<uint32_t, void*> live;
  live.reserve(trace.size());
  const auto start = std::chrono::steady_clock::now();
  for (const TraceEvent& event : trace) {
    if (event.is_alloc) {
      live[event.id] = alloc(event.nbytes);
    } else if (const auto found = live.find(event.id); found != live.end()) {
      release(found->second);
      live.erase(found);
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  for (const auto& [id, data] : live) release(data);
  return seconds.count();
}

// The first pass fills the cache; the best of the rest is the steady state.
template <class Alloc, class Free>
void report(const std::string& name, const Trace& trace, Alloc alloc, Free release,
            const std::function<AllocatorStats()>& stats) {
  const double first = run(trace, alloc, release);
  double best = first;
  for (int i = 0; i < 20; ++i) best = std::min(best, run(trace, alloc, release));
  size_t allocations = 0;
  for (const TraceEvent& event : trace) allocations += event.is_alloc;
  const auto per = 1e9 / static_cast<double>(allocations);
  const AllocatorStats s = stats();
  fmt::print(
      "{:<44}{:>11}{:>11}{:>8.1f} %{:>10.0f}{:>10.0f}{:>9}\n", name, mebibytes(s.peak_requested),
      mebibytes(s.peak_reserved),
      100 * (1 - static_cast<double>(s.peak_requested) / static_cast<double>(s.peak_reserved)),
      first * per, best * per, s.segment_requests);
}

void bench(const Trace& trace) {
  fmt::print("{:<44}{:>11}{:>11}{:>10}{:>10}{:>10}{:>9}\n", "allocator", "asked for", "reserved",
             "waste", "ns first", "ns then", "requests");
  struct Case {
    const char* settings;
    bool can_map, history;
  };
  for (const Case c : {Case{"expandable_segments:False", false, false}, Case{"", true, false},
                       Case{"roundup_power2_divisions:8", true, false}, Case{"", true, true}}) {
    EndlessMemory memory(c.can_map);
    CachingAllocator allocator("fake", memory, parse_allocator_config(c.settings));
    if (c.history) allocator.record_history({});
    const std::string name =
        std::string(c.can_map ? "fake, growing segments" : "fake, plain segments") +
        (c.history ? ", history" : "") +
        (c.can_map && *c.settings != '\0' ? ", rounded sizes" : "");
    report(
        name, trace, [&](size_t n) { return allocator.allocate(n, nullptr); },
        [&](void* data) { allocator.free(data); }, [&] { return allocator.stats(); });
  }
  if (!is_available(kCUDA)) return;
  const Device device(kCUDA);
  Backend& cuda = backend(kCUDA);
  reset_peak_memory(device);
  report(
      "cuda:0", trace, [&](size_t n) { return cuda.allocate(device, n); },
      [&](void* data) { cuda.free(device, data, 0); }, [&] { return memory_stats(device); });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string option = argc > 1 ? argv[1] : "";
    if (argc != 1 && !(argc == 3 && (option == "--read" || option == "--write"))) {
      fmt::print(stderr, "usage: bench_allocator [--read FILE | --write FILE]\n");
      return 2;
    }
    const Trace trace = option == "--read" ? read(argv[2]) : record();
    if (option == "--write") write(trace, argv[2]);
    fmt::print("{} events\n", trace.size());
    bench(trace);
    return 0;
  } catch (const Error& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
