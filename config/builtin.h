// What is compiled into the program: the `hydra/*` groups as YAML texts, and the typed configs
// (`hydra/config`, launchers, sweepers). Applications may add typed configs with register_schema.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/source.h"
#include "config/type.h"

namespace iolaus::config {

struct BuiltinText {
  std::string_view path;  // "hydra/output/default"
  std::string_view text;
};

/// The texts of `pkg://hydra.conf`.
const std::vector<BuiltinText>& builtin_texts();

/// The type of the `hydra` node.
const Type* hydra_type();
/// `hydra/config`: the hydra node as it is before anything is merged into it.
Node hydra_defaults();
/// Paths of all typed configs that come with the program, and one of them.
std::vector<std::string> builtin_schema_names();
Node builtin_schema(const std::string& path);

std::unique_ptr<Source> make_text_source(const std::string& provider, const std::string& path);
std::unique_ptr<Source> make_schema_source(const std::string& provider, const std::string& path);

}  // namespace iolaus::config
