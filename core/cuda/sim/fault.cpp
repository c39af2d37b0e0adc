// Faults of memory accesses: a kernel's become its diagnosis, the host's a message and an abort.
#include <execinfo.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "core/cuda/sim/block.h"
#include "core/cuda/sim/fiber.h"
#include "core/cuda/sim/memory.h"
#include "core/cuda/sim/shared.h"

namespace iolaus::sim {
namespace {

std::function<void(const std::string&)>& handler() {
  static auto* fn = new std::function<void(const std::string&)>;
  return *fn;
}

// The fault's stack may be the one that overflowed.
[[maybe_unused]] alignas(16) char g_signal_stack[1 << 16];
[[maybe_unused]] struct sigaction g_previous;

void print_backtrace() {
  void* frames[32];
  const int count = backtrace(frames, 32);
  for (int i = 2; i < count; ++i) {
    const std::string line = source_line(frames[i]);
    if (line != "?") fmt::print(stderr, "    {} ({})\n", line, function_name(frames[i]));
  }
}

[[maybe_unused]] void on_fault(int signal, siginfo_t* info, void*) {
  const void* address = info->si_addr;
  const SimThread* thread = g_thread;
  if (thread != nullptr && handler()) {
    if (thread->fiber->is_guard(address)) handler()("its stack overflows");
    const bool no_shared = is_no_shared_memory(address);
    if (in_device_range(address) || no_shared) {
      void* frames[8];  // the handler, the signal's frame, then the faulting function
      const int count = backtrace(frames, 8);
      handler()(fmt::format(
          "out of bounds: touches {} at {}",
          no_shared ? "dynamic shared memory, but the launch gave none" : describe_address(address),
          count > 2 ? source_line(static_cast<char*>(frames[2]) + 1) : "?"));
    }
    handler()(fmt::format("touches {}", describe_address(address)));
  }
  if (thread == nullptr && in_device_range(address)) {
    fmt::print(stderr,
               "[simulated device] host code touches device memory: {}. Copy it with cudaMemcpy or "
               "Tensor::to.\n",
               describe_address(address));
    print_backtrace();
  }
  sigaction(signal, &g_previous, nullptr);  // whoever was there before: a debugger, a test
}

}  // namespace

void catch_faults() {
#if !defined(__SANITIZE_ADDRESS__)  // which has a handler that says more
  stack_t stack{};
  stack.ss_sp = g_signal_stack;
  stack.ss_size = sizeof g_signal_stack;
  sigaltstack(&stack, nullptr);
  struct sigaction action {
  }, before;
  action.sa_sigaction = on_fault;
  // Not blocked in the handler, because a kernel's fault jumps out of it.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigaction(SIGSEGV, &action, &before);
  if (before.sa_sigaction != on_fault) g_previous = before;
#endif
}

namespace {
const bool kInstalled = (catch_faults(), true);
}

FaultHandler::FaultHandler(std::function<void(const std::string&)> handle) {
  handler() = std::move(handle);
  catch_faults();  // somebody else (a test's framework) may have come after us
}
FaultHandler::~FaultHandler() { handler() = nullptr; }

void end_by_fault(const std::string& text) {
  if (handler()) handler()(text);
  std::abort();
}

}  // namespace iolaus::sim
