// Evaluation of interpolations. One Evaluation object lives for the duration of a public call; it
// knows which nodes are being resolved (cycles), how deep it is and how much it has done (limits).
#include "config/interpolation.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "config/interpolation_parser.h"
#include "config/python_text.h"
#include "config/resolvers.h"
#include "config/type.h"
#include "config/update.h"

namespace iolaus::config {
namespace {

using detail::computed;
using detail::Value;

constexpr int kMaxDepth = 200;
constexpr std::size_t kMaxSteps = 200'000;  // evaluated interpolations per top-level call
constexpr std::size_t kMaxText = 1 << 20;   // bytes of one resolved string

/// InterpolationResolutionError and its kin: passes through unchanged.
class ResolutionError : public Error {
 public:
  explicit ResolutionError(const std::string& message, bool to_missing = false)
      : Error(ErrorCode::kConfig, message), to_missing_(to_missing) {}
  bool to_missing() const { return to_missing_; }

 private:
  bool to_missing_;
};

/// MissingMandatoryValue on the way to a node.
class MissingError : public Error {
 public:
  explicit MissingError(const std::string& message) : Error(ErrorCode::kConfig, message) {}
};

// --- registry

struct Registry {
  std::mutex mutex;
  std::map<std::string, detail::ResolverEntry, std::less<>> entries;
  std::map<std::pair<std::string, std::vector<std::string>>, Node> cache;
  std::shared_ptr<const Node> hydra;

  Registry() {
    for (auto& [name, entry] : detail::builtin_resolvers()) entries.emplace(name, entry);
    for (auto& [name, entry] : detail::arithmetic_resolvers()) {
      entry.replaceable = true;
      entries.emplace(name, entry);
    }
  }
};

Registry& registry() {
  static Registry* instance = new Registry;
  return *instance;
}

std::vector<std::string> near_resolvers(std::string_view name) {
  return near_names(name, resolver_names());
}

// --- evaluation

class Evaluation;
thread_local Evaluation* current_evaluation = nullptr;

class Evaluation {
 public:
  /// Joins the evaluation that a resolver is part of, so that limits and cycles span both.
  static Evaluation& current(Evaluation& own) {
    return current_evaluation != nullptr ? *current_evaluation : own;
  }

  /// Value of a node; `as_parent` is the container that relative keys start from.
  Value of_node(const Node& node) {
    if (!node.is_interpolation()) return {{&node, nullptr}};
    if (node.parent() == nullptr) {
      throw ResolutionError("Cannot resolve interpolation for a node without a parent");
    }
    const Level level(*this);
    const Expression expression = parsed(node.as_string());
    Value value = wrapped(expression, *node.parent(), node);
    if (node.type() != nullptr) convert(value, node);
    if (value.raw) {
      throw ResolutionError("Value '" + std::string(value.node().type_name()) +
                            "' is not a supported primitive type");
    }
    return value;
  }

  static Expression parsed(const std::string& text) {
    try {
      return parse_interpolated(text);
    } catch (const GrammarError& error) {
      throw ResolutionError(error.what());
    }
  }

  /// Evaluates, and words foreign exceptions as the reference does.
  Value wrapped(const Expression& expression, const Node& parent, const Node& node) {
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

  [[noreturn]] static void raised(const std::string& type, const std::string& message) {
    throw ResolutionError(type + " raised while resolving interpolation: " + message);
  }

  Value evaluate(const Expression& e, const Node& parent, const Node& node) {
    switch (e.kind) {
      case Expression::Kind::kLiteral:
        return computed(e.literal);
      case Expression::Kind::kConcat: {
        std::string text;
        for (const Expression& part : e.parts) {
          text += part.kind == Expression::Kind::kLiteral
                      ? part.literal.as_string()
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

  static Key dict_key(const Node& key) {
    if (key.is_bool()) return Key(key.as_bool());
    if (key.is_int()) return Key(key.as_int());
    if (key.is_float()) return Key(key.as_float());
    if (key.is_null())
      throw ResolverError("KeyValidationError", "Incompatible key type 'NoneType'");
    return Key(key.as_string());
  }

  Value path(const Expression& e, const Node& parent, const Node& node) {
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
      value = select_value(*root, std::string(rest), true, true);
    } catch (const MissingError& error) {
      throw ResolutionError(
          std::string("MissingMandatoryValue while resolving interpolation: ") + error.what(),
          true);
    }
    if (!value.ref) throw ResolutionError(not_found(*root, rest));
    for (const Node* up = &parent; up != nullptr; up = up->parent()) {
      if (up == value.ref.node) throw ResolutionError("Interpolation to parent node detected");
    }
    return value;
  }

  /// The message, with near names from the deepest container that exists.
  static std::string not_found(const Node& root, std::string_view path) {
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

  std::string nested_key(const Expression& part, const Node& parent, const Node& node) {
    const Value value = evaluate(part, parent, node);
    if (value.node().is_string()) return value.node().as_string();
    throw ResolutionError(
        "The following interpolation is used to denote a config key and thus should return a "
        "string, but instead returned `" +
        value.node().str() + "` of type `<class '" + value.node().type_name() +
        "'>`: " + part.source);
  }

  Value resolver(const Expression& e, const Node& parent, const Node& node) {
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

  /// Resolvers see values: what a container holds is resolved, lazily in the reference, here now.
  Node argument(const Value& value) {
    return value.ref.node->is_container() && !value.raw ? resolved_copy(value.node())
                                                        : value.node();
  }

  Value call(const std::string& name, const std::vector<std::string>& texts,
             const std::vector<Node>& args, const Node& parent, const Node& node) {
    detail::ResolverEntry entry;
    {
      Registry& all = registry();
      const std::lock_guard lock(all.mutex);
      const auto found = all.entries.find(name);
      if (found != all.entries.end()) {
        entry = found->second;
        if (entry.use_cache) {
          const auto cached = all.cache.find({name, texts});
          if (cached != all.cache.end()) return computed(cached->second);
        }
      }
    }
    if (!entry.internal && !entry.user) {
      if (name.empty()) throw ResolutionError("[interpolation] expected a resolver before ':'");
      const auto names = near_resolvers(name);
      throw ResolutionError("Unsupported interpolation type " + name +
                            (names.empty() ? "" : "\n   " + did_you_mean(name, names)));
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
    if (entry.use_cache) {
      Registry& all = registry();
      const std::lock_guard lock(all.mutex);
      all.cache.emplace(std::pair(name, texts), value.node());
    }
    return value;
  }

  /// One step of a path: strings are keys of dicts, numbers are items of lists.
  static const Node* select_one(const Node& container, const std::string& key,
                                bool throw_on_missing, bool throw_on_type_error) {
    const Node* child = nullptr;
    if (container.is_dict()) {
      child = container.find(Key(key));
    } else if (python_reads_int(key)) {
      const auto i = python_int(key);
      child = i && *i >= 0 ? container.find(Key(*i)) : nullptr;
    } else if (throw_on_type_error) {
      throw ResolverError("TypeError", "Index '" + key + "' (str) is not an int");
    }
    if (child != nullptr && child->is_missing() && throw_on_missing) {
      throw MissingError("Missing mandatory value: " + child->full_key());
    }
    return child;
  }

  /// The node at a path, interpolations followed; an empty reference where there is none.
  Value select_value(const Node& from, const std::string& key, bool throw_on_missing,
                     bool throw_on_failure) {
    if (key.empty()) return {{&from, nullptr}};
    const Level level(*this);
    const std::vector<std::string> keys = split_path(key);
    if (keys.empty()) return {};  // only an unclosed bracket
    Value at{{&from, nullptr}};
    for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
      const Node* child = select_one(at.node(), keys[i], throw_on_missing, throw_on_failure);
      if (child == nullptr) return {};
      Value next{{child, at.ref.owned}};
      if (child->is_interpolation()) next = keep(of_node_or_nothing(*child, throw_on_failure), at);
      if (!next.ref) return {};
      if (!next.node().is_container()) {
        std::string parent_key = keys[0];
        for (std::size_t k = 1; k <= i; ++k) parent_key += "." + keys[k];
        throw ResolverError("ConfigTypeError",
                            "Error trying to access " + key + ": node `" + parent_key +
                                "` is not a container and thus cannot contain `" + keys[i + 1] +
                                "`");
      }
      at = std::move(next);
    }
    const Node* last = select_one(at.node(), keys.back(), throw_on_missing, throw_on_failure);
    if (last == nullptr) return {};
    if (!last->is_interpolation()) return {{last, at.ref.owned}};
    if (std::find(resolving_.begin(), resolving_.end(), last) != resolving_.end()) {
      throw ResolutionError("Recursive interpolation detected");
    }
    resolving_.push_back(last);
    struct Pop {
      std::vector<const Node*>& stack;
      ~Pop() { stack.pop_back(); }
    } const pop{resolving_};
    return keep(of_node_or_nothing(*last, throw_on_failure), at);
  }

  /// A value that was found below a computed container must keep that container alive.
  static Value keep(Value value, const Value& holder) {
    if (value.ref && !value.ref.owned) value.ref.owned = holder.ref.owned;
    return value;
  }

  Value of_node_or_nothing(const Node& node, bool throw_on_failure) {
    try {
      return of_node(node);
    } catch (const ResolutionError&) {
      if (throw_on_failure) throw;
      return {};
    }
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

  /// A copy without interpolations, made from the original nodes, so that every lookup happens in
  /// the original tree.
  Node resolved_copy(const Node& original) {
    step();
    if (original.is_interpolation()) return resolved_interpolation(original);
    if (!original.is_container()) return original;
    if (std::find(copying_.begin(), copying_.end(), &original) != copying_.end()) {
      throw ResolutionError("Recursive interpolation detected");
    }
    const Level level(*this);
    copying_.push_back(&original);
    Node copy = original.is_list() ? Node::list() : Node::dict();
    for (const Node& item : original) {
      Node value = with_place(item);
      if (original.is_list()) {
        copy.append(std::move(value));
      } else {
        copy.set(item.key(), std::move(value));
      }
    }
    copying_.pop_back();
    for (const Flag flag : {Flag::kStruct, Flag::kReadonly}) {
      copy.set_flag(flag, original.own_flag(flag));
    }
    copy.set_type(original.type());
    copy.set_mark(original.mark());
    copy.set_key_mark(original.key_mark());
    return copy;
  }

  /// Resolves a child; an error says which.
  Node with_place(const Node& item) {
    if (!item.is_interpolation()) return resolved_copy(item);
    try {
      return resolved_copy(item);
    } catch (const ResolutionError& error) {
      if (placed_) throw;
      placed_ = true;
      fail_at(item, error.what());
    }
  }

  Node resolved_interpolation(const Node& original) {
    Node copy;
    try {
      const Value value = of_node(original);
      copy = resolved_or_plain(value);
    } catch (const ResolutionError& error) {
      if (!error.to_missing()) throw;
      copy = Node::missing();
    }
    if (original.type() != nullptr) copy.set_type(original.type());
    copy.set_mark(original.mark());
    copy.set_key_mark(original.key_mark());
    return copy;
  }

  Node resolved_or_plain(const Value& value) {
    return value.node().is_container() ? resolved_copy(value.node()) : value.node();
  }

  void step() {
    if (++steps_ > kMaxSteps) {
      throw ResolutionError("[interpolation] expected at most " + std::to_string(kMaxSteps) +
                            " steps to resolve a value, got more");
    }
  }

 private:
  struct Level {
    explicit Level(Evaluation& evaluation) : evaluation_(evaluation) {
      if (evaluation_.depth_ + 1 > kMaxDepth) {
        throw ResolutionError(
            "Recursive interpolation detected\n    [interpolation] expected at most " +
            std::to_string(kMaxDepth) + " levels, got more");
      }
      ++evaluation_.depth_;
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --evaluation_.depth_; }
    Evaluation& evaluation_;
  };

  static void check_text(const std::string& text) {
    if (text.size() <= kMaxText) return;
    throw ResolutionError("[interpolation] expected a text of at most " + std::to_string(kMaxText) +
                          " bytes, got a longer one");
  }

  int depth_ = 0;
  std::size_t steps_ = 0;
  bool placed_ = false;
  std::vector<const Node*> resolving_;
  std::vector<const Node*> copying_;
};

}  // namespace

namespace detail {

Value computed(Node node, bool raw) {
  auto owned = std::make_shared<const Node>(std::move(node));
  const Node* pointer = owned.get();
  return {{pointer, std::move(owned)}, raw && pointer->is_container()};
}

Value evaluate_element(std::string_view text, const ResolverCall& call) {
  Evaluation own;
  return Evaluation::current(own).wrapped(parse_element(text), call.parent, call.node);
}

NodeRef select_for_resolver(const Node& parent, const std::string& key, bool throw_on_missing) {
  Evaluation own;
  const Node* root = &parent.root();
  std::string_view rest = key;
  if (rest.starts_with('.')) {
    root = &parent;
    for (rest.remove_prefix(1); rest.starts_with('.'); rest.remove_prefix(1)) {
      root = root->parent();
      if (root == nullptr) {
        throw ResolverError("ConfigKeyError", "Error resolving key '" + key + "'");
      }
    }
  }
  try {
    return Evaluation::current(own)
        .select_value(*root, std::string(rest), throw_on_missing, true)
        .ref;
  } catch (const ResolverError& error) {
    if (error.type() == "ConfigTypeError") return {};
    throw;
  }
}

}  // namespace detail

void register_resolver(const std::string& name, Resolver resolver, bool replace, bool use_cache) {
  IOLAUS_CHECK_CODE(!name.empty(), ErrorCode::kConfig, "cannot use an empty resolver name");
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.entries.find(name);
  const bool taken = found != all.entries.end() && !found->second.replaceable;
  IOLAUS_CHECK_CODE(replace || !taken, ErrorCode::kConfig, "resolver '{}' is already registered",
                    name);
  all.entries[name] = {nullptr, std::move(resolver), use_cache, false};
}

bool has_resolver(const std::string& name) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  return all.entries.contains(name);
}

std::vector<std::string> resolver_names() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  std::vector<std::string> names;
  for (const auto& [name, entry] : all.entries) names.push_back(name);
  return names;
}

void clear_resolver_cache() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.cache.clear();
}

void set_hydra_config(std::shared_ptr<const Node> hydra) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.hydra = std::move(hydra);
}

std::shared_ptr<const Node> hydra_config() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  return all.hydra;
}

void check_interpolation(std::string_view text) { parse_interpolated(text); }

NodeRef resolve(const Node& node) {
  if (!node.is_interpolation()) return {&node, nullptr};
  Evaluation own;
  try {
    return own.of_node(node).ref;
  } catch (const ResolutionError& error) {
    fail_at(node, error.what());
  }
}

NodeRef select(const Node& from, std::string_view path, SelectOptions options) {
  const Node* root = &from;
  while (path.starts_with('.')) {
    path.remove_prefix(1);
    if (!path.starts_with('.') || options.absolute) continue;
    root = root->parent();
    if (root == nullptr) {
      fail_at(from, "Error resolving key '" + std::string(path) + "'");
    }
  }
  Evaluation own;
  try {
    NodeRef found = own.select_value(*root, std::string(path), options.throw_on_missing,
                                     options.throw_on_resolution_failure)
                        .ref;
    return found && found->is_missing() ? NodeRef{} : found;
  } catch (const ResolverError& error) {
    if (error.type() == "ConfigTypeError") return {};
    fail_at(from, Key(path), error.what());
  } catch (const Error& error) {
    fail_at(from, Key(path), error.what());
  }
}

Node resolve_text(std::string_view text, const Node& parent) {
  Node node(text);
  node.hang_under(parent);
  node.set_mark(parent.mark());
  Evaluation own;
  try {
    return own.resolved_or_plain(own.of_node(node));
  } catch (const ResolutionError& error) {
    fail(ErrorCode::kConfig, "{}", error.what());
  }
}

Node to_resolved(const Node& node) {
  Evaluation own;
  try {
    return own.resolved_copy(node);
  } catch (const ResolutionError& error) {
    fail_at(node, error.what());
  }
}

void resolve_in_place(Node& node) { node = to_resolved(node); }

std::vector<std::string> missing_keys(const Node& node) {
  std::vector<std::string> out;
  if (node.is_missing()) out.push_back(node.full_key());
  for (const Node& item : node) {
    for (std::string& key : missing_keys(item)) out.push_back(std::move(key));
  }
  return out;
}

}  // namespace iolaus::config
