// Stacks and switches. One scheduler at a time uses fibers (the simulated device runs one launch at
// a time, under its lock), so what belongs to the running fiber is in plain variables.
#include "core/cuda/sim/fiber.h"

#include <boost/context/protected_fixedsize_stack.hpp>
#include <map>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace iolaus::sim {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kStackBytes = size_t{512} << 10;  // instrumented frames are several times larger
#else
constexpr size_t kStackBytes = size_t{128} << 10;
#endif
constexpr size_t kGuardBytes = 4096;

boost::context::fiber g_scheduler;

// Where stacks begin, and their sizes; stacks are never freed.
std::map<const char*, size_t>& stacks() {
  static auto* all = new std::map<const char*, size_t>;
  return *all;
}

// What AddressSanitizer needs: whose stack follows. The scheduler's is learnt at the first switch.
#if defined(__SANITIZE_ADDRESS__)
const void* g_scheduler_bottom = nullptr;
size_t g_scheduler_size = 0;
void start_switch(void** fake_stack, const void* bottom, size_t size) {
  __sanitizer_start_switch_fiber(fake_stack, bottom, size);
}
void finish_switch(void* fake_stack, const void** bottom, size_t* size) {
  __sanitizer_finish_switch_fiber(fake_stack, bottom, size);
}
#else
const void* const g_scheduler_bottom = nullptr;
constexpr size_t g_scheduler_size = 0;
void start_switch(void**, const void*, size_t) {}
void finish_switch(void*, const void**, size_t*) {}
#endif

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)) {
  boost::context::protected_fixedsize_stack allocator(kStackBytes);
  const boost::context::stack_context stack = allocator.allocate();
  static size_t count = 0;
  const size_t colour = count++ * 320 % 4096;
  bottom_ = static_cast<char*>(stack.sp) - stack.size + kGuardBytes;
  size_ = stack.size - kGuardBytes - colour;
  stacks()[bottom_] = size_;
  context_ =
      boost::context::fiber(std::allocator_arg,
                            boost::context::preallocated(static_cast<char*>(stack.sp) - colour,
                                                         stack.size - colour, stack),
                            allocator, [this](boost::context::fiber&& scheduler) {
                              g_scheduler = std::move(scheduler);
                              enter();
                              return std::move(g_scheduler);
                            });
}

void Fiber::enter() {
#if defined(__SANITIZE_ADDRESS__)
  finish_switch(nullptr, &g_scheduler_bottom, &g_scheduler_size);
#endif
  body_();
}

void Fiber::resume() {
  void* fake_stack = nullptr;
  start_switch(&fake_stack, bottom_, size_);
  context_ = std::move(context_).resume();
  finish_switch(fake_stack, nullptr, nullptr);
}

void Fiber::suspend() {
  void* fake_stack = nullptr;
  start_switch(&fake_stack, g_scheduler_bottom, g_scheduler_size);
  g_scheduler = std::move(g_scheduler).resume();
#if defined(__SANITIZE_ADDRESS__)
  finish_switch(fake_stack, &g_scheduler_bottom, &g_scheduler_size);
#endif
}

void Fiber::abandon_running() {
  // The scheduler runs already; destroying its saved context would unwind it.
  new (&g_scheduler) boost::context::fiber();
}

bool Fiber::is_stack(const void* address) {
  const auto* p = static_cast<const char*>(address);
  const auto above = stacks().upper_bound(p);
  if (above == stacks().begin()) return false;
  const auto& [begin, size] = *std::prev(above);
  return p < begin + size;
}

bool Fiber::is_guard(const void* address) const {
  const auto* p = static_cast<const char*>(address);
  return p >= bottom_ - kGuardBytes && p < bottom_;
}

}  // namespace iolaus::sim
