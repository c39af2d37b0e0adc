// What the fuzzers of the file formats share: bytes may be refused as corrupt or unsupported,
// anything else (a crash, another error, an exception of a library) is a finding.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

namespace iolaus::fuzz {

template <class Fn> void expect_value_or_refusal(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kUnsupported) return;
    std::fprintf(stderr, "unexpected error %s: %s\n", error_code_name(error.code()), error.what());
    std::abort();
  }
}

inline std::string_view as_text(const unsigned char* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace iolaus::fuzz
