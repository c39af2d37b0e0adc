// JSON Schema for config groups: `db.schema.json` beside the folder `db/` is checked against what
// the group's option composes to, `config.schema.json` beside `config.yaml` against the whole
// config, before anything runs. The part of draft 2020-12 that configs need: type, enum, const,
// properties, required, additionalProperties, items, minItems, maxItems, minimum, maximum,
// exclusiveMinimum, exclusiveMaximum, multipleOf, minLength, maxLength, pattern, anyOf, oneOf,
// allOf, not, and $ref to `#/$defs/...`. Other keywords are annotations.
#pragma once

#include <string>
#include <vector>

#include "config/compose.h"
#include "config/node.h"

namespace iolaus::config {

/// What is wrong with a node, one message each: place, full key, problem. Interpolations are
/// resolved; missing values (`???`) fit any schema, for --check reports them by itself.
std::vector<std::string> schema_problems(const Node& node, const Node& schema);

/// The problems of a composed config with the schemas of its groups.
std::vector<std::string> group_schema_problems(const Composition& composition,
                                               Repository& repository);

}  // namespace iolaus::config
