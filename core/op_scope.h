// OpScope: which operation this thread runs, by name. Errors that arise deep below (no memory, a
// call that a CUDA graph cannot hold) and the allocator's history say it.
#pragma once

namespace iolaus {

class OpScope {
 public:
  /// The name must live as long as the program: a literal, or a kernel set's name.
  explicit OpScope(const char* name) : previous_(t_name) { t_name = name; }
  ~OpScope() { t_name = previous_; }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

  /// The innermost scope's name on this thread; null outside of all.
  static const char* current() { return t_name; }
  static const char* current_or(const char* otherwise) {
    return t_name != nullptr ? t_name : otherwise;
  }

 private:
  static inline constinit thread_local const char* t_name = nullptr;
  const char* previous_;
};

}  // namespace iolaus
