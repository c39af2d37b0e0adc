// A libyaml parser over a text in memory, deleted at the end of its scope.
#pragma once

#include <yaml.h>

#include <string_view>

#include "core/error.h"

namespace iolaus::config::yaml {

struct ParserGuard {
  yaml_parser_t parser;
  explicit ParserGuard(std::string_view text) {
    if (yaml_parser_initialize(&parser) == 0) fail(ErrorCode::kOutOfMemory, "[yaml] no memory");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ParserGuard(const ParserGuard&) = delete;
  ParserGuard& operator=(const ParserGuard&) = delete;
  ~ParserGuard() { yaml_parser_delete(&parser); }
};

}  // namespace iolaus::config::yaml
