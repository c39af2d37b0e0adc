// CallContext: which kernel the calling thread runs, on what. Kernel sets leave it here (a few
// stores), and whoever meets an error of the device below them formats it.
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
  const char* kernel = "";   // "softmax_backward"
  const char* variant = "";  // "warp"
  const void* args = nullptr;
  const CallFormat* format = nullptr;

  /// The innermost call of this thread; null outside of kernels.
  static const CallContext*& current() {
    static constinit thread_local const CallContext* innermost = nullptr;
    return innermost;
  }
  /// "softmax_backward (warp) on float32 (3, 4, 1) on cuda:0".
  std::string str() const {
    return std::string(kernel) + " (" + variant + ") on " + format->describe(args);
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

}  // namespace iolaus
