// Overrides of values: change, add, force-add, delete and extend, with the reference's messages.
#include "config/compose.h"
#include "config/interpolation.h"
#include "config/update.h"

namespace iolaus::config {
namespace {

// Struct mode of the root is off while this lives.
class OpenStruct {
 public:
  explicit OpenStruct(Node& root) : root_(root), before_(root.own_flag(Flag::kStruct)) {
    root_.set_flag(Flag::kStruct, false);
  }
  ~OpenStruct() { root_.set_flag(Flag::kStruct, before_); }
  OpenStruct(const OpenStruct&) = delete;
  OpenStruct& operator=(const OpenStruct&) = delete;

 private:
  Node& root_;
  std::optional<bool> before_;
};

std::string where(const Override& override) {
  return override.mark.known() ? "\n" + override.mark.text() : "";
}

void apply_delete(Node& config, const Override& override) {
  const NodeRef found = select(config, override.key);
  if (!found || found->is_null()) {
    fail(ErrorCode::kConfig, "Could not delete from config. '{}' does not exist.{}", override.key,
         where(override));
  }
  if (override.has_value()) {
    const Node value = override.value.to_node();
    if (!value.is_null() && !(value == *found)) {
      fail(ErrorCode::kConfig, "Could not delete from config. The value of '{}' is {} and not {}.",
           override.key, found->str(), value.str());
    }
  }
  const OpenStruct open(config);
  remove(config, override.key);
}

void apply_extension(Node& config, const Override& override) {
  Node items = override.value.to_node();
  items.set_marks(override.mark);
  Node* target = find_path(config, override.key);
  if (!target || !target->is_list()) {
    fail(ErrorCode::kConfig, "Could not append to config list. '{}' is {} and not a list.",
         override.key, target ? target->str() : "absent");
  }
  for (Node& item : items) target->append(std::move(item));
}

void apply_add(Node& config, const Override& override, Node value) {
  // Also where a container may be merged: an interpolation on the way that fails is an error.
  const NodeRef found = select(config, override.key);
  if (found && !found->is_null() && !value.is_container()) {
    const Node* written = find_path(config, override.key);
    const Mark mark = written ? written->mark() : found->mark();
    fail(ErrorCode::kConfig,
         "Could not append to config. An item is already at '{0}'.\n"
         "Either remove + prefix: '{1}'\n"
         "Or add a second + to add or override '{0}': '+{2}'\n{3}",
         override.key, override.line.substr(1), override.line,
         mark.known() ? "It was set at " + mark.text() : "");
  }
  update(config, override.key, std::move(value), {.merge = true, .force_add = true});
}

void apply_change(Node& config, const Override& override, Node value) {
  try {
    update(config, override.key, std::move(value), {.merge = true});
  } catch (const Error& error) {
    const std::string message = error.what();
    if (std::string_view(reference_error_name(message)) != "ConfigKeyError") throw;
    fail(ErrorCode::kConfig, "Could not override '{}'.\nTo append to your config use +{}\n{}",
         override.key, override.line, message);
  }
}

void apply(Node& config, const Override& override) {
  if (override.package) {
    fail(ErrorCode::kConfig,
         "Override {} looks like a config group override, but config group '{}' does not exist.",
         override.line, override.key);
  }
  if (override.is_delete()) return apply_delete(config, override);
  if (override.value.kind == OverrideValue::Kind::kExtension) {
    return apply_extension(config, override);
  }
  Node value = override.value.to_node();
  value.set_marks(override.mark);
  if (override.is_add()) return apply_add(config, override, std::move(value));
  if (override.is_force_add()) {
    update(config, override.key, std::move(value), {.merge = true, .force_add = true});
    return;
  }
  apply_change(config, override, std::move(value));
}

// What only the override knows about an error in its value or path.
std::string detailed(const std::string& message, const Override& override) {
  if (message == "Incompatible key type 'NoneType'") {
    return message + "\n    full_key: " + override.key + where(override);
  }
  const std::string_view index = "Index '";
  const std::size_t end = message.find("' (str) is not an int");
  if (message.starts_with(index) && end != std::string::npos) {
    const std::string name = message.substr(index.size(), end - index.size());
    return "invalid literal for int() with base 10: '" + name + "'\n" + message;
  }
  return message;
}

bool is_composed_message(const std::string& message) {
  return message.starts_with("Could not ") || message.starts_with("Override ");
}

}  // namespace

const char* reference_error_name(const std::string& message) {
  if (message.starts_with("Key '") || message.starts_with("Missing key ")) return "ConfigKeyError";
  if (message.starts_with("Cannot merge ")) return "ConfigTypeError";
  if (message.find("nterpolation key ") != std::string::npos) return "InterpolationKeyError";
  if (message.find("read-only") != std::string::npos) return "ReadonlyConfigError";
  return "ValidationError";
}

void apply_overrides(Node& config, const std::vector<Override>& overrides) {
  for (const Override& override : overrides) {
    try {
      apply(config, override);
    } catch (const Error& error) {
      const std::string message = error.what();
      if (is_composed_message(message)) throw;
      fail(ErrorCode::kConfig, "Error merging override {}\n{}", override.line,
           detailed(message, override));
    }
  }
}

}  // namespace iolaus::config
