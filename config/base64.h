// Base64 (RFC 4648) for YAML's !!binary.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace iolaus::config {

/// Characters outside the alphabet are skipped, as Python does; nullopt where the padding is wrong.
std::optional<std::string> base64_decode(std::string_view text);
/// Lines of 76 characters, each with a line feed.
std::string base64_encode_lines(std::string_view data);

}  // namespace iolaus::config
