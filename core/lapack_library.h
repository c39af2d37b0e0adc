// LAPACK's routines (of OpenBLAS or the reference library), loaded when first needed, by their
// Fortran interface: every argument by address, integers of 32 bits, letters with their length as a
// hidden last argument (size_t).
#pragma once

#include <string>
#include <type_traits>

namespace iolaus::lapack {

/// Why there is no LAPACK, or "".
const std::string& problem();
/// The address of a routine ("spotrf_"). Errors: kUnsupported where it is not there.
void* routine(const std::string& name);

/// Calls the routine of a family for T, float or double: call<float>("potrf", ...) is spotrf_.
template <class T, class... A> void call(const char* family, A... arguments) {
  const std::string name = (std::is_same_v<T, float> ? "s" : "d") + std::string(family) + "_";
  reinterpret_cast<void (*)(A...)>(routine(name))(arguments...);
}

}  // namespace iolaus::lapack
