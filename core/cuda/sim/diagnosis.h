// Diagnoses of the simulated device: what a kernel or the host did wrong, with file and line. A
// diagnosis inside of a kernel ends its launch, as a fault on a GPU does, and every later call of
// the runtime returns the error; cudaGetErrorString gives the text.
#pragma once

#include <fmt/core.h>

#include <string>

namespace iolaus::sim {

/// Where device code stands: filled in by default arguments of the intrinsics.
struct Place {
  const char* file;
  int line;
  static constexpr Place here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

/// Thrown in a simulated thread to leave its kernel; only the block executor catches it.
struct KernelFault {};

/// Records "softmax_kernel, block (1, 0, 0), thread (3, 0, 0): TEXT" and leaves the kernel.
[[noreturn]] void fail_thread(const std::string& text);
/// The same where nobody can be named: a deadlock, a failed launch. Keeps the first diagnosis.
void record_diagnosis(const std::string& text);

/// The first diagnosis since the last clear_diagnosis(), or "".
const std::string& last_diagnosis();
void clear_diagnosis();

/// A file's path from the root of the sources.
std::string short_path(std::string file);
/// "__shfl_sync at kernels/softmax/rows.cuh:31"
std::string at(const char* what, Place place);
/// The demangled name of a function ("kernel" where the program has no symbols), for messages.
std::string function_name(const void* address);
/// "kernels/softmax/rows.cuh:31" of an instruction, from the program's line table; "?" without one.
std::string source_line(const void* instruction);

}  // namespace iolaus::sim
