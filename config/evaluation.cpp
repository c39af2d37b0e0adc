// Evaluation of expressions: texts, paths and calls of resolvers.
#include "config/evaluation.h"

#include <algorithm>
#include <utility>

#include "config/type.h"
#include "config/update.h"

namespace iolaus::config::detail {
namespace {

constexpr int kMaxDepth = 200;
constexpr std::size_t kMaxSteps = 200'000;  // evaluated interpolations per top-level call
constexpr std::size_t kMaxText = 1 << 20;   // bytes of one resolved string

thread_local Evaluation* current_evaluation = nullptr;

Expression parsed(const std::string& text) {
  try {
    return parse_interpolated(text);
  } catch (const GrammarError& error) {
    throw ResolutionError(error.what());
  }
}

[[noreturn]] void raised(const std::string& type, const std::string& message) {
  throw ResolutionError(type + " raised while resolving interpolation: " + message);
}

void check_text(const std::string& text) {
  if (text.size() <= kMaxText) return;
  throw ResolutionError("[interpolation] expected a text of at most " + std::to_string(kMaxText) +
                        " bytes, got a longer one");
}

Key dict_key(const Node& key) {
  if (key.is_bool()) return Key(key.as_bool());
  if (key.is_int()) return Key(key.as_int());
  if (key.is_float()) return Key(key.as_float());
  if (key.is_null()) throw ResolverError("KeyValidationError", "Incompatible key type 'NoneType'");
  return Key(key.as_string());
}

/// The message, with near names from the deepest container that exists.
std::string not_found(const Node& root, std::string_view path) {
  std::string message = "Interpolation key '" + std::string(path) + "' not found";
  const Node* at = &root;
  for (const std::string& key : split_path(path)) {
    const Node* next = at->is_dict() ? at->find(Key(key)) : nullptr;
    if (next == nullptr) {
      if (!at->is_dict()) break;
      std::vector<std::string> names;
      for (const Node& item : *at) names.push_back(item.key().text());
      const std::string hint = did_you_mean(key, names);
      if (!hint.empty()) message += "\n   " + hint;
      break;
    }
    at = next;
  }
  return message;
}

void convert(Value& value, const Node& node) {
  if (value.node().is_container() || node.type()->base == Type::Base::kAny) return;
  Node converted = value.node();
  try {
    convert_to_type(converted, *node.type(), *node.parent(), node.key());
  } catch (const Error& error) {
    throw ResolutionError("While dereferencing interpolation '" + node.as_string() +
                          "': " + error.what());
  }
  if (converted.kind() != value.node().kind()) value = computed(std::move(converted));
}

}  // namespace

Evaluation& Evaluation::current(Evaluation& own) {
  return current_evaluation != nullptr ? *current_evaluation : own;
}

Evaluation::Level::Level(Evaluation& evaluation) : evaluation_(evaluation) {
  if (evaluation_.depth_ + 1 > kMaxDepth) {
    throw ResolutionError(
        "Recursive interpolation detected\n    [interpolation] expected at most " +
        std::to_string(kMaxDepth) + " levels, got more");
  }
  ++evaluation_.depth_;
}

void Evaluation::step() {
  if (++steps_ > kMaxSteps) {
    throw ResolutionError("[interpolation] expected at most " + std::to_string(kMaxSteps) +
                          " steps to resolve a value, got more");
  }
}

Value Evaluation::of_node(const Node& node, bool raw_too) {
  if (!node.is_interpolation()) return {{&node, nullptr}};
  if (node.parent() == nullptr) {
    throw ResolutionError("Cannot resolve interpolation for a node without a parent");
  }
  const Level level(*this);
  const Expression expression = parsed(node.as_string());
  Value value = wrapped(expression, *node.parent(), node);
  if (node.type() != nullptr) convert(value, node);
  if (value.raw && !raw_too) {
    throw ResolutionError("Value '" + std::string(value.node().type_name()) +
                          "' is not a supported primitive type");
  }
  return value;
}

Value Evaluation::wrapped(const Expression& expression, const Node& parent, const Node& node) {
  try {
    return evaluate(expression, parent, node);
  } catch (const ResolutionError&) {
    throw;
  } catch (const GrammarError& error) {
    raised("GrammarParseError", error.what());
  } catch (const ResolverError& error) {
    raised(error.type(), error.what());
  } catch (const MissingError& error) {
    raised("MissingMandatoryValue", error.what());
  } catch (const std::exception& error) {
    raised("Error", error.what());
  }
}

Value Evaluation::evaluate(const Expression& e, const Node& parent, const Node& node) {
  switch (e.kind) {
    case Expression::Kind::kLiteral:
      return computed(e.literal);
    case Expression::Kind::kConcat: {
      std::string text;
      for (const Expression& part : e.parts) {
        text += part.kind == Expression::Kind::kLiteral ? part.literal.as_string()
                                                        : evaluate(part, parent, node).node().str();
        check_text(text);
      }
      return computed(Node(std::move(text)));
    }
    case Expression::Kind::kPath:
      return path(e, parent, node);
    case Expression::Kind::kResolver:
      return resolver(e, parent, node);
    case Expression::Kind::kList: {
      Node list = Node::list();
      for (const Expression& part : e.parts) list.append(argument(evaluate(part, parent, node)));
      return computed(std::move(list), true);
    }
    case Expression::Kind::kDict: {
      Node dict = Node::dict();
      for (std::size_t i = 0; i < e.parts.size(); ++i) {
        dict.set(dict_key(e.keys[i]), argument(evaluate(e.parts[i], parent, node)));
      }
      return computed(std::move(dict), true);
    }
  }
  return {};
}

Value Evaluation::path(const Expression& e, const Node& parent, const Node& node) {
  step();
  std::string key;
  for (const Expression& part : e.parts) {
    key += part.kind == Expression::Kind::kLiteral ? part.literal.as_string()
                                                   : nested_key(part, parent, node);
  }
  const Node* root = &parent.root();
  std::string_view rest = key;
  if (rest.starts_with('.')) {
    root = &parent;
    for (rest.remove_prefix(1); rest.starts_with('.'); rest.remove_prefix(1)) {
      root = root->parent();
      if (root == nullptr) {
        throw ResolutionError(
            "ConfigKeyError while resolving interpolation: Error resolving key '" + key + "'");
      }
    }
  }
  Value value;
  try {
    value = select(*root, std::string(rest), true, true);
  } catch (const MissingError& error) {
    throw ResolutionError(
        std::string("MissingMandatoryValue while resolving interpolation: ") + error.what(), true);
  }
  if (!value.ref) throw ResolutionError(not_found(*root, rest));
  for (const Node* up = &parent; up != nullptr; up = up->parent()) {
    if (up == value.ref.node) throw ResolutionError("Interpolation to parent node detected");
  }
  return value;
}

std::string Evaluation::nested_key(const Expression& part, const Node& parent, const Node& node) {
  const Value value = evaluate(part, parent, node);
  if (value.node().is_string()) return value.node().as_string();
  throw ResolutionError(
      "The following interpolation is used to denote a config key and thus should return a "
      "string, but instead returned `" +
      value.node().str() + "` of type `<class '" + value.node().type_name() +
      "'>`: " + part.source);
}

Value Evaluation::resolver(const Expression& e, const Node& parent, const Node& node) {
  step();
  std::string name;
  for (const Expression& part : e.name) {
    if (part.kind == Expression::Kind::kLiteral) {
      name += part.literal.as_string();
      continue;
    }
    const Value value = evaluate(part, parent, node);
    if (!value.node().is_string()) {
      throw ResolutionError("The name of a resolver must be a string, but the interpolation " +
                            part.source + " resolved to `" + value.node().str() +
                            "` which is of type <class '" + value.node().type_name() + "'>");
    }
    name += value.node().as_string();
  }
  std::vector<Node> args;
  for (const Expression& part : e.parts) args.push_back(argument(evaluate(part, parent, node)));
  return call(name, e.texts, args, parent, node);
}

Node Evaluation::argument(const Value& value) {
  return value.ref.node->is_container() && !value.raw ? resolved_copy(value.node()) : value.node();
}

Value Evaluation::call(const std::string& name, const std::vector<std::string>& texts,
                       const std::vector<Node>& args, const Node& parent, const Node& node) {
  const ResolverEntry entry = resolver_entry(name);
  if (entry.use_cache) {
    if (auto cached = cached_result(name, texts)) return computed(std::move(*cached));
  }
  if (!entry.internal && !entry.user) {
    if (name.empty()) throw ResolutionError("[interpolation] expected a resolver before ':'");
    const std::string hint = did_you_mean(name, resolver_names());
    throw ResolutionError("Unsupported interpolation type " + name +
                          (hint.empty() ? "" : "\n   " + hint));
  }
  const ResolverCall context{name, parent.root(), parent, node, texts};
  Evaluation* const outer = std::exchange(current_evaluation, this);
  struct Restore {
    Evaluation* outer;
    ~Restore() { current_evaluation = outer; }
  } const restore{outer};
  Value value =
      entry.internal ? entry.internal(context, args) : computed(entry.user(context, args));
  if (entry.user && value.node().is_container()) {
    const_cast<Node&>(*value.ref.owned).hang_under(parent);
  }
  if (entry.use_cache) cache_result(name, texts, value.node());
  return value;
}

Value computed(Node node, bool raw) {
  auto owned = std::make_shared<const Node>(std::move(node));
  const Node* pointer = owned.get();
  return {{pointer, std::move(owned)}, raw && pointer->is_container()};
}

Value evaluate_element(std::string_view text, const ResolverCall& call) {
  Evaluation own;
  return Evaluation::current(own).wrapped(parse_element(text), call.parent, call.node);
}

}  // namespace iolaus::config::detail
