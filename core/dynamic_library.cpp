// Loading of shared libraries by dlopen.
#include "core/dynamic_library.h"

#include <dlfcn.h>

#include "core/error.h"

namespace iolaus {

DynamicLibrary::DynamicLibrary(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (name_.empty()) name_ = name;
    handle_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle_ != nullptr) {
      name_ = name;
      problem_.clear();
      return;
    }
    if (problem_.empty()) problem_ = dlerror();
  }
}

void* DynamicLibrary::find(const char* symbol) const {
  return handle_ == nullptr ? nullptr : dlsym(handle_, symbol);
}

void* DynamicLibrary::find_or_fail(const char* symbol) const {
  IOLAUS_CHECK_CODE(is_open(), ErrorCode::kUnsupported, "cannot load {}: {}", name_, problem_);
  void* found = find(symbol);
  IOLAUS_CHECK_CODE(found != nullptr, ErrorCode::kUnsupported,
                    "{} has no function {}; it is of another version than this program expects",
                    name_, symbol);
  return found;
}

}  // namespace iolaus
