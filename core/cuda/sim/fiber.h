// Fiber: a stack of its own that runs until it suspends itself. Boost.Context switches; here are
// the stacks (with a guard page, and tops that do not share cache sets) and what AddressSanitizer
// must be told at each switch.
#pragma once

#include <boost/context/fiber.hpp>
#include <cstddef>
#include <functional>

namespace iolaus::sim {

class Fiber {
 public:
  /// body runs at the first resume(); it must not return, but suspend for the last time.
  explicit Fiber(std::function<void()> body);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// From the scheduler: runs the fiber until it suspends.
  void resume();
  /// From inside of the running fiber: back to the scheduler's resume().
  static void suspend();

  /// After a jump out of a running fiber (a memory fault): it is never resumed again.
  static void abandon_running();

  const char* stack_begin() const { return bottom_; }
  size_t stack_size() const { return size_; }
  /// Whether an address is on the stack of any fiber.
  static bool is_stack(const void* address);
  /// Whether an address is in the guard page: the stack has overflowed.
  bool is_guard(const void* address) const;

 private:
  void enter();
  char* bottom_ = nullptr;
  size_t size_ = 0;
  std::function<void()> body_;
  boost::context::fiber context_;
};

}  // namespace iolaus::sim
