// Grammar of interpolations (OmegaConf 2.3): a recursive descent over the text, linear in its
// length, into a small tree of expressions that config/interpolation.cpp evaluates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"

namespace iolaus::config {

struct Expression {
  enum class Kind {
    kLiteral,   // literal: a value
    kConcat,    // parts: their str(), joined
    kPath,      // parts: the keys, dots and brackets of `${a.b[c]}`; nested ones must give strings
    kResolver,  // name: parts of the resolver's name; parts: arguments; texts: as written
    kList,      // parts
    kDict,      // keys and parts
  };
  Kind kind = Kind::kLiteral;
  Node literal = {};
  std::vector<Expression> name = {};
  std::vector<Expression> parts = {};
  std::vector<std::string> texts = {};
  std::vector<Node> keys = {};
  std::string source = {};  // kPath, kResolver: as written, for messages
};

/// Thrown for bad syntax: "GrammarParseError" in the reference.
class GrammarError : public Error {
 public:
  explicit GrammarError(const std::string& message) : Error(ErrorCode::kConfig, message) {}
};

/// An unquoted text by its type: null, bool, int, float, else string.
Node typed_literal(std::string_view text);
/// A config value: text with interpolations in it. A lone interpolation keeps the type of its
/// value.
Expression parse_interpolated(std::string_view text);
/// One element (number, bool, null, string, quoted string, list, dict), as oc.decode reads it.
Expression parse_element(std::string_view text);

}  // namespace iolaus::config
