// JSON as our own formats use it: strict (no duplicate keys, no comments, bounded depth and size),
// with one kind of error. Only a forward declaration here, since the library's header is large;
// files that call this include <nlohmann/json.hpp> themselves.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace iolaus::io {

struct JsonLimits {
  int depth = 8;  // nested arrays and objects
  size_t nbytes = size_t{2} << 20;
};

/// name stands for the text in messages (a path). Errors: kCorrupt with the byte where the parser
/// stopped, for syntax, invalid UTF-8, a number out of range, a key that an object has twice, or
/// more than the limits.
nlohmann::json parse_json(std::string_view text, const std::string& name, JsonLimits limits = {});
/// parse_json of a file. Errors: also those of open_file.
nlohmann::json read_json(const std::string& path, JsonLimits limits = {});

}  // namespace iolaus::io
