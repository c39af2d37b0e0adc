// CallContext: which operation or kernel the calling thread runs, on what. It is left here by a few
// stores; whoever meets an error below (a failed launch, no memory, a call that a CUDA graph cannot
// hold) formats it, and the allocator's history notes its name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace iolaus {

/// What describes the arguments of one kernel; one object for each type of arguments.
struct CallFormat {
  std::string (*describe)(const void* args) = nullptr;
  std::span<const char* const> size_names;  // at most kMaxSizes
  void (*sizes)(const void* args, int64_t* out) = nullptr;
  static constexpr size_t kMaxSizes = 16;
};

struct CallContext {
  const char* name = "";  // "softmax_backward"; lives as long as the program
  // Of a kernel only:
  const char* variant = nullptr;  // "warp"
  const void* args = nullptr;
  const CallFormat* format = nullptr;

  /// The innermost call of this thread; null outside of all.
  static const CallContext*& current() {
    static constinit thread_local const CallContext* innermost = nullptr;
    return innermost;
  }
  /// Its name, or another where there is none.
  static const char* current_name(const char* otherwise = nullptr) {
    return current() != nullptr ? current()->name : otherwise;
  }
  /// "softmax_backward (warp) on float32 (3, 4, 1) on cuda:0".
  std::string str() const {
    if (format == nullptr) return name;
    return std::string(name) + " (" + variant + ") on " + format->describe(args);
  }
};

/// Makes a context current in a scope.
class CallScope {
 public:
  explicit CallScope(const CallContext& context)
      : outer_(std::exchange(CallContext::current(), &context)) {}
  ~CallScope() { CallContext::current() = outer_; }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  const CallContext* outer_;
};

/// The same for what is no kernel, by its name.
class OpScope {
 public:
  explicit OpScope(const char* name) : context_{.name = name}, scope_(context_) {}

 private:
  CallContext context_;
  CallScope scope_;
};

}  // namespace iolaus
