// CUDA graphs of whole training steps, memory of a device, and copies that do not wait. Skipped
// visibly where there is no CUDA device, real or simulated.
#include "core/graph.h"

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>

#include "autograd/ops.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/random.h"
#include "kernels/check.h"
#include "nn/layers/dropout.h"
#include "nn/layers/function.h"
#include "nn/layers/linear.h"
#include "nn/layers/sequential.h"
#include "nn/optim/optimizer.h"

using namespace iolaus;

namespace {

const Device kGpu(kCUDA);

bool has_device() {
  if (is_available(kCUDA)) return true;
  MESSAGE("skipped: no CUDA device");
  return false;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  const Tensor x = to(a, Device()), y = to(b, Device());
  return x.nbytes() == y.nbytes() && std::memcmp(x.raw_data(), y.raw_data(), x.nbytes()) == 0;
}

// A classifier with dropout, its optimizer, and one batch in fixed tensors.
struct Training {
  nn::Sequential model;
  std::unique_ptr<nn::SGD> optimizer;
  Tensor x = zeros({8, 12}, {.device = kGpu});
  Tensor y = zeros({8}, {.dtype = kInt64, .device = kGpu});
  Tensor loss;

  Training() {
    manual_seed(5);
    model.add(std::make_shared<nn::Linear>(12, 16));
    model.add(
        std::make_shared<nn::FunctionLayer>("ReLU", "", [](const Tensor& t) { return relu(t); }));
    model.add(std::make_shared<nn::Dropout>(0.4));
    model.add(std::make_shared<nn::Linear>(16, 5));
    model.to(kGpu);
    optimizer = std::make_unique<nn::SGD>(nn::one_group(model.parameters()),
                                          nn::OptimizerOptions{{"lr", 0.1},
                                                               {"momentum", 0.9},
                                                               {"dampening", 0},
                                                               {"weight_decay", 0},
                                                               {"nesterov", 0},
                                                               {"maximize", 0}});
    manual_seed(11);
  }
  void load(int batch) {
    const auto seed = static_cast<uint64_t>(batch + 1);
    copy_(x, sample_tensor({8, 12}, kFloat32, seed));
    std::vector<int64_t> labels;
    for (int i = 0; i < 8; ++i) labels.push_back((i * 3 + batch) % 5);
    copy_(y, from_values(labels, {8}));
  }
  void step() {
    optimizer->zero_grad();
    loss = cross_entropy(model(x), y);
    loss.backward();
    optimizer->step();
  }
};

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    CHECK(e.code() == ErrorCode::kUnsupported);
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a captured training step, replayed, gives the bits of the eager one, dropout included") {
  if (!has_device()) return;
  constexpr int kWarm = 2, kSteps = 5;
  Training eager, captured;
  manual_seed(11);
  std::vector<Tensor> losses;
  for (int i = 0; i < kSteps; ++i) {
    eager.load(i);
    eager.step();
    losses.push_back(to(eager.loss.detach(), Device()));
  }
  const GeneratorState end = default_generator().get_state();
  manual_seed(11);
  const std::unique_ptr<Graph> graph = make_graph(kGpu);
  for (int i = 0; i < kWarm; ++i) {
    captured.load(i);
    captured.step();
  }
  graph->capture([&] { captured.step(); });
  CHECK(graph->node_count() >= 8);
  for (int i = kWarm; i < kSteps; ++i) {
    captured.load(i);
    graph->replay();
    CHECK(same_bytes(captured.loss.detach(), losses[static_cast<size_t>(i)]));
  }
  CHECK(!same_bytes(losses[kSteps - 1], losses[kSteps - 2]));
  CHECK(default_generator().get_state() == end);
  const auto a = eager.model.parameters(), b = captured.model.parameters();
  for (size_t i = 0; i < a.size(); ++i) CHECK(same_bytes(a[i].detach(), b[i].detach()));
}

TEST_CASE("what cannot be captured is named, and the graph and the device stay usable") {
  if (!has_device()) return;
  const Tensor x = ones({4}, {.device = kGpu});
  const std::unique_ptr<Graph> graph = make_graph(kGpu);
  CHECK(message_of([&] { graph->capture([&] { sum(x).item(); }); }) ==
        "[item] cannot be captured in a CUDA graph: it waits for the device, to have a value on "
        "the host");
  CHECK(message_of([&] {
          graph->capture([&] { x.to_vector<float>(); });
        }).find("[to_vector] cannot be captured") == 0);
  CHECK(message_of([&] {
          graph->capture([&] { backend(kCUDA).synchronize(kGpu); });
        }).find("[synchronize] cannot be captured in a CUDA graph: it waits") == 0);
  CHECK(message_of([&] {
          graph->capture([&] { copy_(x, from_values<float>({1, 2, 3, 4}, {4})); });
        }).find("[copy] cannot be captured in a CUDA graph: it copies from host memory") == 0);
  CHECK(message_of([&] {
          graph->capture([&] { randperm(4, {.device = kGpu}); });
        }).find("[randperm] cannot be captured in a CUDA graph: it draws") == 0);
  CHECK(message_of([&] {
          graph->capture([&] { make_graph(kGpu)->capture([] {}); });
        }).find("[graph] cannot be captured") == 0);
  CHECK(graph->node_count() == 0);
  CHECK_THROWS_WITH_AS(graph->replay(), "[graph] nothing was captured yet", Error);
  graph->capture([&] { add_(x, x); });
  for (int i = 0; i < 3; ++i) graph->replay();
  CHECK(x.to_vector<float>() == std::vector<float>(4, 8.f));
  CHECK_THROWS_AS(graph->capture([] {}), Error);
}

TEST_CASE("graphs have memory of their own, may share it, and give it back at their end") {
  if (!has_device()) return;
  backend(kCUDA).empty_cache();
  const Tensor x = ones({1 << 16}, {.device = kGpu});
  CHECK(memory_stats(kGpu).reserved_pools == 0);
  {
    const std::unique_ptr<Graph> first = make_graph(kGpu), second = make_graph(kGpu, first.get());
    Tensor a, b;
    first->capture([&] { a = mul(add(x, x), x); });
    const uint64_t reserved = memory_stats(kGpu).reserved_pools;
    CHECK(reserved > 0);
    second->capture([&] { b = mul(add(x, a), x); });
    CHECK(memory_stats(kGpu).reserved_pools == reserved);
    // Others' memory is never the graphs'.
    std::vector<Tensor> others;
    for (int i = 0; i < 20; ++i) others.push_back(zeros({1 << 16}, {.device = kGpu}));
    first->replay();
    second->replay();
    CHECK(sum(a).item() == 2 << 16);
    CHECK(sum(b).item() == 3 << 16);
    for (const Tensor& other : others) CHECK(sum(other).item() == 0);
  }
  backend(kCUDA).empty_cache();
  CHECK(memory_stats(kGpu).reserved_pools == 0);
}

TEST_CASE("random tensors of a replay are those that an eager run would draw") {
  if (!has_device()) return;
  const std::unique_ptr<Graph> graph = make_graph(kGpu);
  Tensor u, z;
  const auto draw = [&] {
    u = rand({50}, {.device = kGpu});
    z = randn({50}, {.device = kGpu});
  };
  graph->capture(draw);
  manual_seed(3);
  const Tensor held_u = u, held_z = z;
  for (int i = 0; i < 3; ++i) {
    const GeneratorState before = default_generator().get_state();
    graph->replay();
    const GeneratorState after = default_generator().get_state();
    const Tensor got_u = to(held_u, Device()), got_z = to(held_z, Device());
    default_generator().set_state(before);
    draw();
    CHECK(same_bytes(got_u, u));
    CHECK(same_bytes(got_z, z));
    CHECK(default_generator().get_state() == after);
  }
}

TEST_CASE("copies to and from pinned memory keep every byte without waiting") {
  if (!has_device()) return;
  const Tensor x = sample_tensor({3, 1000}, kFloat32, 8);
  const Tensor pinned = pin_memory(x);
  CHECK(pinned.is_pinned());
  CHECK(!x.is_pinned());
  CHECK(pin_memory(pinned).is_same(pinned));
  const Tensor there = to(pinned, kGpu, true);
  CHECK(same_bytes(there, x));
  const Tensor back = to(there, Device(), true);
  CHECK(back.is_pinned());
  backend(kCUDA).synchronize(kGpu);
  CHECK(same_bytes(back, x));
  const Tensor half = to(there, kBFloat16, Device(), true);
  backend(kCUDA).synchronize(kGpu);
  CHECK(same_bytes(half, to(x, kBFloat16)));
  CHECK_THROWS_AS(empty({2}, {.device = kGpu, .pinned = true}), Error);
  CHECK_THROWS_AS(pin_memory(there), Error);
}

TEST_CASE("a snapshot of the device's memory is written, with its history") {
  if (!has_device()) return;
  record_memory_history(kGpu);
  const Tensor x = zeros({1000}, {.device = kGpu});
  const std::string path = "memory_snapshot_test.pickle";
  write_memory_snapshot(path);
  record_memory_history(kGpu, {.enabled = false});
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  CHECK(bytes.find("device_traces") != std::string::npos);
  CHECK(bytes.find("alloc") != std::string::npos);
  std::remove(path.c_str());
}

TEST_CASE("on the CPU graphs and pinned memory are refused by name") {
  CHECK(message_of([] { make_graph(Device()); }) == "[graph] a graph needs a CUDA device, got cpu");
  CHECK(memory_stats(Device()).reserved == 0);
  CHECK(message_of([] { set_memory_fraction(Device(), 0.5); }) ==
        "[set_memory_fraction] cpu has no caching allocator of this kind");
}
