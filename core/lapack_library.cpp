// Loading of LAPACK.
#include "core/lapack_library.h"

#include "core/dynamic_library.h"
#include "core/error.h"

namespace iolaus::lapack {
namespace {

const DynamicLibrary& library() {
  static const DynamicLibrary loaded({"libopenblas.so.0", "liblapack.so.3"});
  return loaded;
}

}  // namespace

const std::string& problem() {
  static const std::string none;
  return library().is_open() ? none : library().problem();
}

void* routine(const std::string& name) {
  IOLAUS_CHECK_CODE(library().is_open(), ErrorCode::kUnsupported,
                    "[linalg] needs LAPACK (apt install liblapack3 or libopenblas0): {}",
                    library().problem());
  return library().get<void*>(name.c_str());
}

}  // namespace iolaus::lapack
