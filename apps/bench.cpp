// iolaus bench: times training steps of the configured models, and single operations. One line of
// JSON per case, so that a script can put other programs' figures beside them (tests/bench).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/conf_dir.h"
#include "autograd/grad_mode.h"
#include "config/app.h"
#include "config/instantiate.h"
#include "config/interpolation.h"
#include "core/device_info.h"
#include "core/parallel.h"
#include "nn/layers/sequential.h"
#include "nn/run/run.h"

namespace iolaus {
namespace {

struct Plan {
  int64_t warmup, repeats;
  double seconds;
  Device device;
};

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

// Seconds of one call: the median over samples of many calls each, and the quartiles.
void report(const std::string& name, const Plan& plan, const std::function<void()>& call) {
  for (int64_t i = 0; i < plan.warmup; ++i) call();
  backend(plan.device.type).synchronize(plan.device);
  const double start = now();
  call();
  backend(plan.device.type).synchronize(plan.device);
  const auto calls = std::max<int64_t>(1, static_cast<int64_t>(plan.seconds / (now() - start)));
  std::vector<double> samples;
  for (int64_t r = 0; r < plan.repeats; ++r) {
    const double begin = now();
    for (int64_t i = 0; i < calls; ++i) call();
    backend(plan.device.type).synchronize(plan.device);
    samples.push_back((now() - begin) / static_cast<double>(calls));
  }
  std::sort(samples.begin(), samples.end());
  const size_t n = samples.size();
  const nlohmann::json line{{"case", name},
                            {"us", samples[n / 2] * 1e6},
                            {"us_q1", samples[n / 4] * 1e6},
                            {"us_q3", samples[n - 1 - n / 4] * 1e6},
                            {"threads", num_threads()},
                            {"device", plan.device.str()}};
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

void bench_step(const config::Node& cfg, const std::string& name, const Plan& plan) {
  const config::NodeRef model_cfg = config::select(cfg, "models." + name);
  IOLAUS_CHECK_CODE(static_cast<bool>(model_cfg), ErrorCode::kConfig,
                    "bench has no case '{}'; see models in bench.yaml", name);
  nn::Sequential model(config::instantiate_all<nn::Module>(*config::select(*model_cfg, "layers")));
  model.to(plan.device);
  nn::SGD optimizer(nn::one_group(model.parameters()), {{"lr", 0.001},
                                                        {"momentum", 0.9},
                                                        {"dampening", 0},
                                                        {"weight_decay", 0},
                                                        {"nesterov", 0},
                                                        {"maximize", 0}});
  Dims shape{config::select(*model_cfg, "batch")->as_int()};
  for (const config::Node& size : *config::select(*model_cfg, "input")) {
    shape.push_back(size.as_int());
  }
  const Tensor x = randn(shape, {.device = plan.device});
  const Tensor target = randint(0, 10, {shape[0]}, {.dtype = kInt64, .device = plan.device});
  report(name, plan, [&] {
    optimizer.zero_grad();
    cross_entropy(model.forward(x), target).backward();
    optimizer.step();
  });
}

void bench_dispatch(const Plan& plan) {
  const Tensor a = ones({1}, {.device = plan.device}), b = ones({1}, {.device = plan.device});
  const Tensor w = ones({1}, {.device = plan.device, .requires_grad = true});
  Plan long_plan = plan;
  long_plan.warmup = 10000;
  report("add", long_plan, [&] { (void)add(a, b); });
  report("add_grad", long_plan, [&] { (void)add(a, w); });
  constexpr int kNodes = 1000;
  report("add_and_backward_x1000", plan, [&] {
    Tensor y = w;
    for (int i = 0; i < kNodes; ++i) y = add(y, a);
    y.backward();
  });
}

config::TaskResult bench(const config::Node& cfg, const config::JobContext&) {
  nn::set_up(cfg);
  const std::string where = config::select(cfg, "device")->as_string();
  const bool on_gpu = where == "auto" && is_available(kCUDA) && !is_cuda_simulated();
  const Device device = on_gpu            ? Device(kCUDA, 0)
                        : where == "auto" ? Device()
                                          : parse_device(where);
  const Plan plan{config::select(cfg, "warmup")->as_int(), config::select(cfg, "repeats")->as_int(),
                  config::select(cfg, "seconds")->as_float(), device};
  for (const config::Node& name : *config::select(cfg, "cases")) {
    bench_step(cfg, name.as_string(), plan);
  }
  if (config::select(cfg, "dispatch")->as_bool()) bench_dispatch(plan);
  return {};
}

}  // namespace

int bench_main(int argc, char** argv) {
  return config::main(argc, argv,
                      {.name = "bench",
                       .config_dir = conf_dir(),
                       .config_name = "bench",
                       .command = "iolaus bench"},
                      bench);
}

}  // namespace iolaus
