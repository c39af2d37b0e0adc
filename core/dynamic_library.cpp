// Loading of shared libraries by dlopen.
#include "core/dynamic_library.h"

#include <dlfcn.h>

#include <string_view>
#include <vector>

#include "core/error.h"

namespace iolaus {
namespace {

struct Provided {
  std::string_view prefix;
  void* (*find)(const char*);
  const char* problem;
};
// Filled while the program starts.
std::vector<Provided>& provided_libraries() {
  static auto* list = new std::vector<Provided>;
  return *list;
}

}  // namespace

void provide_library(const char* prefix, void* (*find)(const char* symbol), const char* problem) {
  provided_libraries().push_back({prefix, find, problem});
}

DynamicLibrary::DynamicLibrary(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (name_.empty()) name_ = name;
    for (const Provided& p : provided_libraries()) {
      if (!std::string_view(name).starts_with(p.prefix)) continue;
      provided_ = p.find;
      problem_ = p.problem;
      return;
    }
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
  if (provided_ != nullptr) return provided_(symbol);
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
