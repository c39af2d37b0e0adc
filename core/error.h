// The one error type. A user's mistake, a bad file or a failing device throws Error: a code for
// programs, a message for people. Messages begin with the part that speaks, in brackets:
// "[softmax] expected dim in [-2, 1], got 3".
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>

namespace iolaus {

enum class ErrorCode {
  kInvalidArgument,  // a value or a shape that does not fit
  kType,             // a dtype or type that does not fit
  kIndex,            // an index out of range
  kNotFound,         // a file, key, name or option that is not there
  kUnsupported,      // valid, but not possible here (device, variant, library)
  kOutOfMemory,
  kIo,        // the operating system refused: open, read, write, disk full
  kCorrupt,   // a file whose bytes contradict its format
  kConfig,    // configuration: syntax, composition, override, interpolation
  kDevice,    // the CUDA runtime or a library on the device failed
  kInternal,  // our own mistake
};

/// Name of a code, for logs: "invalid_argument", "type", ...
const char* error_code_name(ErrorCode code);

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

namespace detail {
[[noreturn]] void throw_error(ErrorCode code, fmt::string_view format, fmt::format_args args);
}

/// Throws Error with a formatted message: fail(ErrorCode::kIo, "cannot open {}", path).
template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  detail::throw_error(code, format, fmt::make_format_args(args...));
}

}  // namespace iolaus

/// IOLAUS_CHECK(cond, "[op] expected ..., got {}", x): throws kInvalidArgument unless cond holds.
#define IOLAUS_CHECK(cond, ...) \
  IOLAUS_CHECK_CODE(cond, ::iolaus::ErrorCode::kInvalidArgument, __VA_ARGS__)
/// The same with another code.
#define IOLAUS_CHECK_CODE(cond, code, ...) \
  do {                                     \
    if (!(cond)) [[unlikely]]              \
      ::iolaus::fail(code, __VA_ARGS__);   \
  } while (0)
