// Errors that show later than the launch that caused them: the message names the kernel set, its
// variant, the sizes and the kernel, and the handler of the program hears of it first.
#include "core/device_failure.h"
#include "kernels/check.h"
#include "kernels/copy/copy.h"
#include "tests/sim/support.h"

using namespace iolaus;
using namespace iolaus::test;

namespace {

__global__ void far_beyond_kernel(float* y) { y[int64_t{1} << 28] = 1; }

struct Faulty {
  Tensor y;
  DType dtype() const { return y.dtype(); }
  Device device() const { return y.device(); }
  std::string describe() const { return y.describe(); }
  Cost cost() const { return {}; }
  static constexpr const char* kSizes[] = {"n"};
  std::array<int64_t, 1> named_sizes() const { return {y.numel()}; }
  template <class V> void visit(V&& v) { v("y", y, Role::kOut); }
};

void run(const Faulty& a) {
  const cuda::OnDevice stream(a.device());
  gpu::launch(far_beyond_kernel, dim3(1), dim3(32), 0, stream, a.y.data<float>());
}

KernelSet<Faulty>& faulty() {
  static auto* set = [] {
    auto* made = new KernelSet<Faulty>("test_faulty", "test_faulty",
                                       [](DType) { return std::vector<Faulty>(); });
    made->add({"broken", kCUDA, {kFloat32}, run, 1});
    return made;
  }();
  return *set;
}

std::string g_heard;

// The message of the error that the call ends in.
template <class Fn> std::string message_of(Fn&& call) {
  try {
    call();
  } catch (const Error& e) {
    CHECK(e.code() == ErrorCode::kDevice);
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a kernel's fault is reported at the next wait, with the last launches of the thread") {
  const Tensor x = convert(sample_tensor({5}, kFloat32, 1), kFloat32, Device(kCUDA));
  const Tensor y = empty({7}, {.device = Device(kCUDA)});
  backend(kCUDA).synchronize(Device(kCUDA));
  g_heard.clear();
  set_device_failure_handler([](const std::string& message) { g_heard = message; });
  faulty()({y});
  const std::string message = message_of([] { backend(kCUDA).synchronize(Device(kCUDA)); });
  set_device_failure_handler(nullptr);
  INFO(message);
  CHECK(message.starts_with("[synchronize] cudaDeviceSynchronize failed: "));
  CHECK(message.find("IOLAUS_LAUNCH_BLOCKING=1") != std::string::npos);
  const size_t list =
      message.find("The last launches, latest first:\n  test_faulty (broken) on n 7: ");
  CHECK(list != std::string::npos);
  CHECK(message.find("grid (1, 1, 1), block (32, 1, 1)") != std::string::npos);
  CHECK(g_heard == message);
  sim::reset_device();
}

TEST_CASE("a launch that the device refuses is reported at once, with the arguments") {
  const Tensor y = empty({7}, {.device = Device(kCUDA)});
  const CallFormat format{
      [](const void* args) { return static_cast<const Tensor*>(args)->describe(); }, {}, nullptr};
  const CallContext context{"test_refused", "wide", &y, &format};
  const CallScope scope(context);
  const cuda::OnDevice stream(y.device());
  const std::string message = message_of(
      [&] { gpu::launch(far_beyond_kernel, dim3(1), dim3(2048), 0, stream, y.data<float>()); });
  INFO(message);
  CHECK(message.starts_with("[test_refused] the launch of "));
  CHECK(message.find("test_refused (wide) on float32[7] on cuda:0; grid (1, 1, 1), block (2048") !=
        std::string::npos);
  CHECK_NOTHROW(backend(kCUDA).synchronize(Device(kCUDA)));
  sim::reset_device();
}
