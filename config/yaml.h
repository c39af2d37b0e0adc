// YAML and JSON in and out. Reading is libyaml's event stream, composed and typed here by the rules
// of PyYAML 1.1 as OmegaConf sets them up (see config/scalar.h), with limits for untrusted input.
// Writing prints byte for byte what OmegaConf.to_yaml prints.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"

namespace iolaus::config {

struct LoadLimits {
  std::size_t bytes = 1 << 20;
  std::size_t depth = 64;
  std::size_t nodes = 10'000;   // after expansion of aliases, where the text uses any alias
  std::size_t expansion = 100;  // nodes with what aliases add / nodes written
};

/// Parses one document into a dict, list or scalar (an empty text: null). `source` names the text
/// in marks and messages. Throws kConfig with PyYAML's text: problem, context, line and column.
Node load_yaml(std::string_view text, std::string_view source, const LoadLimits& limits = {});
/// Reads a file: `.json` as JSON, everything else as YAML. kIo where it cannot be read.
Node load_file(const std::string& path, const LoadLimits& limits = {});
/// Parses JSON (RFC 8259); integers beyond 64 bits and duplicate keys are errors.
Node load_json(std::string_view text, std::string_view source, const LoadLimits& limits = {});

struct YamlOptions {
  bool resolve = false;  // print values of interpolations
  bool sort_keys = false;
};
/// As OmegaConf.to_yaml: ends with a line feed; `{}` and `[]` for empty containers.
std::string to_yaml(const Node& node, YamlOptions options = {});
/// JSON with `indent` blanks per level (negative: one line). NaN and infinities as Python prints
/// them (NaN, Infinity). Non-text keys become text.
std::string to_json(const Node& node, int indent = -1);

}  // namespace iolaus::config
