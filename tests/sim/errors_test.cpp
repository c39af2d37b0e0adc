// Errors that show later than the launch that caused them: the message names the kernel set, its
// variant, the sizes and the kernel, and the handler of the program hears of it first. With
// IOLAUS_LAUNCH_BLOCKING=1 they show at the launch.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "core/device_failure.h"
#include "kernels/check.h"
#include "kernels/copy/copy.h"
#include "nn/run/device_failure_exit.h"
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

// What this program prints when it runs one test case, also one that is skipped, and its status.
std::string run_alone(const char* name, const char* environment, int& status) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string command =
      std::string(environment) + " " + self + " --no-skip -tc='" + name + "' 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 4096> buffer;
  for (size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    output.append(buffer.data(), n);
  }
  const int ended = pclose(pipe);
  status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
  return output;
}

}  // namespace

// Under AddressSanitizer the fault is its own, and ends the process.
#if !defined(__SANITIZE_ADDRESS__)
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

// Run by the next.
TEST_CASE("program with a faulty kernel" * doctest::skip()) {
  nn::exit_on_device_failure();
  const Tensor y = empty({7}, {.device = Device(kCUDA)});
  faulty()({y});
  std::puts("after the launch");
  std::fflush(stdout);
  try {
    backend(kCUDA).synchronize(Device(kCUDA));
  } catch (...) {
  }
  std::puts("went on");
}

TEST_CASE("a fault ends the program at once with its own status; blocking launches name it") {
  int status = 0;
  std::string output =
      run_alone("program with a faulty kernel", "IOLAUS_LAUNCH_BLOCKING=0", status);
  CAPTURE(output);
  CHECK(status == kDeviceFailureExit);
  CHECK(output.find("after the launch") != std::string::npos);
  CHECK(output.find("the GPU failed: [synchronize] ") != std::string::npos);
  CHECK(output.find("went on") == std::string::npos);
  output = run_alone("program with a faulty kernel", "IOLAUS_LAUNCH_BLOCKING=1", status);
  CHECK(status == kDeviceFailureExit);
  CHECK(output.find("the GPU failed: [test_faulty] the run of ") != std::string::npos);
  CHECK(output.find("test_faulty (broken) on float32[7] on cuda:0") != std::string::npos);
  CHECK(output.find("after the launch") == std::string::npos);
}
#endif

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
