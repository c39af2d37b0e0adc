// Types of plain YAML scalars. Reading follows PyYAML 1.1 with OmegaConf's loader (more floats, no
// timestamps); writing asks how PyYAML's plain dumper would read a text back, to know when a string
// needs quotes. The patterns are matched by hand: no std::regex on the hot path.
#pragma once

#include <string>
#include <string_view>

#include "config/node.h"

namespace iolaus::config {

enum class ScalarTag { kString, kNull, kBool, kInt, kFloat, kMerge, kValue, kTimestamp, kOther };

/// The type of a plain scalar as OmegaConf's loader sees it (never kTimestamp).
ScalarTag tag_of_plain(std::string_view text);
/// The type of a plain scalar as PyYAML's default resolver sees it.
ScalarTag tag_for_dump(std::string_view text);

/// The value of a text under a tag of null, bool, int, float or string, as PyYAML constructs it.
/// Throws kConfig with Python's message where the text does not fit an explicit tag, and where an
/// integer needs more than 64 bits.
Node scalar_value(ScalarTag tag, std::string_view text);

/// True for the words that a YAML 1.1 reader may take for a bool (`y`, `No`, `ON`, ...).
bool is_yaml_bool_word(std::string_view text);

}  // namespace iolaus::config
