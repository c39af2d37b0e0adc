// YAML tags: which constructor PyYAML's safe loader has for them, and what it makes of a scalar.
#pragma once

#include <string>
#include <string_view>

#include "config/node.h"
#include "config/scalar.h"

namespace iolaus::config::yaml {

enum class Tag {
  kString,
  kNull,
  kBool,
  kInt,
  kFloat,
  kBinary,
  kTimestamp,
  kSequence,
  kMapping,
  kSet,
  kOrderedMap,
  kPairs,
  kPath,
  kMerge,
  kValue,
  kUnknown,
};

/// The tag of an implicitly typed scalar.
Tag tag_of(ScalarTag tag);
/// The tag of a full name, "tag:yaml.org,2002:int"; kUnknown where there is no constructor.
Tag tag_named(std::string_view name);

/// Value of a scalar under a tag. Throws kConfig, without a place, where the tag has no constructor
/// (or none for scalars), or the text does not fit.
Node construct_scalar(Tag tag, std::string_view name, std::string_view text);

/// What the reference says to a value that is tagged kMerge or kValue.
std::string no_constructor(Tag tag);
/// What the reference says where a tag does not fit a "sequence" or "mapping"; "" where it does.
std::string wrong_kind(Tag tag, std::string_view name, std::string_view kind);

/// !!python/object/apply:pathlib.Path: the parts of a path as one text.
Node join_path(const Node& parts);

}  // namespace iolaus::config::yaml
