// DynamicLibrary: a shared library that is loaded when first needed, so that the program starts
// without it and says clearly what is missing where it is asked for.
#pragma once

#include <initializer_list>
#include <string>

namespace iolaus {

/// A library that is part of this program: names that begin with prefix ("libcublasLt") are found
/// here and not loaded. find gives a symbol's address or null; where find itself is null the
/// library counts as missing, for the reason that problem gives. For the simulated device.
void provide_library(const char* prefix, void* (*find)(const char* symbol), const char* problem);

class DynamicLibrary {
 public:
  /// Tries the names in turn ("libcublasLt.so.13"), by the loader's search path. Check is_open().
  explicit DynamicLibrary(std::initializer_list<const char*> names);
  DynamicLibrary(const DynamicLibrary&) = delete;
  DynamicLibrary& operator=(const DynamicLibrary&) = delete;

  bool is_open() const { return handle_ != nullptr || provided_ != nullptr; }
  /// The loader's handle, for a header that looks symbols up by itself; null where it is not open.
  void* handle() const { return handle_; }
  /// Why it could not be opened: the loader's words for the first name.
  const std::string& problem() const { return problem_; }
  /// The function of a name; null where there is none or the library is not open.
  void* find(const char* symbol) const;
  /// The same as a function pointer type. Errors: kUnsupported, naming library and symbol.
  template <class Fn> Fn get(const char* symbol) const {
    return reinterpret_cast<Fn>(find_or_fail(symbol));
  }

 private:
  void* find_or_fail(const char* symbol) const;
  // Never closed: what it started (threads, exit handlers) may outlive this object.
  void* handle_ = nullptr;
  void* (*provided_)(const char*) = nullptr;
  std::string name_, problem_;
};

}  // namespace iolaus
