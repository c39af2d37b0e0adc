// What the simulator tells the memory checker (checker.cpp), which is linked into the programs
// whose kernels are instrumented; elsewhere these do nothing. It finds accesses out of bounds,
// reads of what was never written, and data races between threads of a launch.
#pragma once

#include <cstddef>
#include <string>

namespace iolaus::sim::checker {

struct Range {
  const void* begin;
  size_t nbytes;
};

/// The functions of a checker that is there; all null where none is.
struct Hooks {
  void (*allocate)(const void*, size_t) = nullptr;
  void (*free)(const void*, size_t) = nullptr;
  void (*write)(const void*, size_t) = nullptr;  // bytes that a copy or the host has written
  void (*access)(const void*, size_t, bool, const void*) = nullptr;
  void (*pending)(const void*, size_t) = nullptr;
  void (*launch)(Range, Range) = nullptr;
  void (*block)() = nullptr;
  void (*shared)(const void*, size_t) = nullptr;
  void (*shared_reset)() = nullptr;
  void (*switch_to)(const void*, size_t) = nullptr;  // the stack of the thread that runs now
  std::string (*take_report)() = nullptr;
};
inline Hooks g_hooks;

inline bool is_present() { return g_hooks.launch != nullptr; }
inline void on_allocate(const void* data, size_t n) {
  if (g_hooks.allocate != nullptr) g_hooks.allocate(data, n);
}
inline void on_free(const void* data, size_t n) {
  if (g_hooks.free != nullptr) g_hooks.free(data, n);
}
inline void on_write(const void* data, size_t n) {
  if (g_hooks.write != nullptr) g_hooks.write(data, n);
}
/// An access that the simulator makes for the calling thread, whose instruction is at pc.
inline void on_access(const void* data, size_t n, bool is_write, const void* pc) {
  if (g_hooks.access != nullptr) g_hooks.access(data, n, is_write, pc);
}
/// What a copy that is under way will write: until then a read of it is one of nothing.
inline void on_pending(const void* data, size_t n) {
  if (g_hooks.pending != nullptr) g_hooks.pending(data, n);
}
/// The kernel's arguments, and the simulator's own data, are no memory of the host's program.
inline void on_launch(Range arguments, Range threads) {
  if (g_hooks.launch != nullptr) g_hooks.launch(arguments, threads);
}
inline void on_block() {
  if (g_hooks.block != nullptr) g_hooks.block();
}
inline void on_shared(const void* data, size_t n) {
  if (g_hooks.shared != nullptr) g_hooks.shared(data, n);
}
inline void on_shared_reset() {
  if (g_hooks.shared_reset != nullptr) g_hooks.shared_reset();
}
inline void on_switch(const void* stack, size_t n) {
  if (g_hooks.switch_to != nullptr) g_hooks.switch_to(stack, n);
}
/// What was found since the last call; "" where nothing.
inline std::string take_report() {
  return g_hooks.take_report != nullptr ? g_hooks.take_report() : std::string();
}

}  // namespace iolaus::sim::checker
