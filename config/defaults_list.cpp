// Builds the defaults tree depth first, each list from its end (the outermost override wins and a
// later item is known when an earlier one interpolates it), then reads it off in order.
#include "config/defaults_list.h"

#include <algorithm>
#include <cstdlib>

#include "config/defaults_result.h"
#include "config/group_overrides.h"

namespace iolaus::config {
namespace {

constexpr int kMaxDepth = 200;

std::string option_text(const DefaultItem& item) {
  if (item.is_options()) {
    std::string text;
    for (const std::string& option : item.options) text += (text.empty() ? "" : ", ") + option;
    return "[" + text + "]";
  }
  return item.name().value_or("None");
}

// Whether a config has more than its defaults list (which is already out).
bool has_content(const Node& config) {
  if (!config.is_dict()) return false;
  for (const Node& child : config) {
    if (!child.is_missing()) return true;
  }
  return false;
}

class Builder {
 public:
  Builder(Repository& repository, const std::vector<Override>& overrides, DefaultsOptions options)
      : repository_(repository), overrides_(repository, overrides), options_(options) {}

  DefaultsList run(const std::string* config_name) {
    auto root = std::make_unique<DefaultsTree>();
    root->item.kind = DefaultItem::Kind::kVirtualRoot;
    DefaultItem primary = DefaultItem::config(config_name ? *config_name : kDummyConfig);
    primary.primary = true;
    add_root_child(*root, std::move(primary));
    add_root_child(*root, DefaultItem::config("hydra/config"));
    std::reverse(root->children.begin(), root->children.end());
    DefaultsList list;
    collect_defaults(*root, list.defaults);
    check_duplicates(list.defaults);
    overrides_.check_all_used();
    list.tree = std::move(root);
    list.config_overrides = std::move(overrides_.config_overrides());
    list.choices = overrides_.choices();
    list.warnings = std::move(warnings_);
    return list;
  }

 private:
  struct Context {
    bool is_root = false;
    bool interpolated = false;
    int depth = 0;
  };

  void add_root_child(DefaultsTree& root, DefaultItem item) {
    item.set_parent("", "");
    DefaultsTree& child = add_child(root, std::move(item));
    expand(child, {.is_root = child.item.primary});
  }

  static DefaultsTree& add_child(DefaultsTree& parent, DefaultItem item) {
    parent.children.push_back(std::make_unique<DefaultsTree>());
    parent.children.back()->item = std::move(item);
    parent.children.back()->parent = &parent;
    return *parent.children.back();
  }

  // Fills in the children of one config.
  void expand(DefaultsTree& tree, Context context) {
    DefaultItem& item = tree.item;
    if (context.depth > kMaxDepth) {
      fail(ErrorCode::kConfig,
           "In '{}': defaults lists are nested more than {} deep: maximum recursion depth exceeded",
           item.config_path(), kMaxDepth);
    }
    if (context.is_root && !repository_.config_exists(item.config_path()))
      fail_not_found(repository_, tree);
    const std::shared_ptr<const LoadedConfig> loaded =
        item.is_missing() ? nullptr : repository_.load(item.config_path());
    if (loaded) item.set_package_header(loaded->header.package);
    if (overrides_.take_deletion(item)) {
      item.deleted = true;
      return;
    }
    overrides_.note_choice(item);
    if (!item.name() || check_missing(item)) return;
    if (!loaded) {
      if (!item.optional) fail_not_found(repository_, tree);
      item.deleted = true;
      return;
    }
    expand_list(tree, *loaded, context);
  }

  void expand_list(DefaultsTree& tree, const LoadedConfig& loaded, Context context) {
    const DefaultItem& parent = tree.item;
    std::vector<DefaultItem> items = loaded.defaults;
    bool self_added = false;
    if (!items.empty() || (context.is_root && !overrides_.appended().empty())) {
      self_added = check_self(parent, items, has_content(loaded.config));
    }
    if (context.is_root) {
      items.insert(items.end(), overrides_.appended().begin(), overrides_.appended().end());
    }
    const std::string group = parent.group_path(), package = parent.final_package();
    note_overrides(parent, items, context.interpolated, group, package);
    const Context below = {.interpolated = context.interpolated, .depth = context.depth + 1};
    for (auto item = items.rbegin(); item != items.rend(); ++item) {
      add_item(tree, *item, below, group, package);
    }
    expand_interpolations(tree, items, self_added, below.depth);
    std::reverse(tree.children.begin(), tree.children.end());
  }

  void add_item(DefaultsTree& tree, DefaultItem& item, const Context& below,
                const std::string& group, const std::string& package) {
    const DefaultItem& parent = tree.item;
    if (item.is_self()) {
      item.parent_group = parent.parent_group;
      item.parent_package = parent.package ? *parent.package : parent.package_header.value_or("");
      add_child(tree, item);
      return;
    }
    if (item.override_) return;
    item.set_parent(group, package);
    overrides_.apply(item);
    if (item.is_options()) {
      if (!item.not_text.empty()) {
        fail(ErrorCode::kConfig, "Options of a config group must be strings. Got {}{}",
             item.not_text, item.mark.known() ? "\n" + item.mark.text() : "");
      }
      for (auto option = item.options.rbegin(); option != item.options.rend(); ++option) {
        add_option(tree, item, *option, below, group, package);
      }
      return;
    }
    DefaultsTree& child = add_child(tree, item);
    if (!item.is_interpolation()) expand(child, below);
  }

  // One config of `group: [a, b]`.
  void add_option(DefaultsTree& tree, const DefaultItem& item, const std::string& option,
                  const Context& below, const std::string& group, const std::string& package) {
    if (option.find("${") != std::string::npos) {
      fail(ErrorCode::kConfig,
           "In '{}': Defaults List interpolation is not supported in options list items",
           tree.item.config_path());
    }
    DefaultItem config = DefaultItem::config(item.group + "/" + option, item.package);
    config.optional = item.optional;
    config.mark = item.mark;
    config.set_parent(group, package);
    expand(add_child(tree, std::move(config)), below);
  }

  // Interpolated options come last, when all other choices are known. Children are reversed here.
  void expand_interpolations(DefaultsTree& tree, const std::vector<DefaultItem>& items,
                             bool self_added, int depth) {
    const bool any = std::any_of(tree.children.begin(), tree.children.end(), [](const auto& child) {
      return child->children.empty() && child->item.is_interpolation();
    });
    if (!any) return;
    const Node known = known_choices(items, self_added);
    for (const auto& child : tree.children) {
      if (!child->children.empty() || !child->item.is_interpolation()) continue;
      child->item.resolve_interpolation(known);
      child->item.set_parent(tree.item.group_path(), tree.item.final_package());
      expand(*child, {.interpolated = true, .depth = depth});
    }
  }

  Node known_choices(const std::vector<DefaultItem>& items, bool self_added) const {
    Node known = Node::dict();
    for (const auto& [key, name] : overrides_.choices()) {
      known.set(Key(key), name ? Node(*name) : Node());
    }
    Node list = Node::list();
    for (const DefaultItem& item : items) {
      if (self_added && item.is_self()) continue;
      if (!item.is_group()) {
        list.append(Node(item.is_self() ? "_self_" : item.config_path()));
        continue;
      }
      Node entry = Node::dict();
      Node value;
      if (item.value_kind == DefaultItem::Value::kName) value = Node(item.value);
      entry.set(Key(item.override_key()), std::move(value));
      list.append(std::move(entry));
    }
    known.set(Key("defaults"), std::move(list));
    return known;
  }

  // Appends `_self_` where it lacks; returns whether it did so.
  bool check_self(const DefaultItem& parent, std::vector<DefaultItem>& items, bool content) {
    bool has_self = false, has_other = false;
    for (const DefaultItem& item : items) {
      if (!item.override_) has_other = true;
      if (!item.is_self()) continue;
      if (has_self) {
        fail(ErrorCode::kConfig, "Duplicate _self_ defined in {}{}", parent.config_path(),
             item.mark.known() ? "\n" + item.mark.text() : "");
      }
      has_self = true;
    }
    if ((!has_self && has_other) || items.empty()) {
      if (parent.primary && content && has_other) warn_self(parent.config_path());
      items.push_back(DefaultItem::config("_self_"));
    }
    return !has_self;
  }

  void warn_self(const std::string& path) {
    const std::string message =
        "In '" + path +
        "': Defaults list is missing `_self_`. See "
        "https://hydra.cc/docs/1.2/upgrades/1.0_to_1.1/default_composition_order for more "
        "information";
    const char* strict = std::getenv("SELF_WARNING_AS_ERROR");
    if (strict && std::string_view(strict) == "1") fail(ErrorCode::kConfig, "{}", message);
    warnings_.push_back(message);
  }

  void note_overrides(const DefaultItem& parent, std::vector<DefaultItem>& items, bool interpolated,
                      const std::string& group, const std::string& package) {
    const DefaultItem* last_override = nullptr;
    for (DefaultItem& item : items) {
      if (item.is_self()) continue;
      item.set_parent(group, package);
      if (last_override && !item.override_ && !item.external_append) {
        fail(ErrorCode::kConfig,
             "In {}: Override '{} : {}' is defined before '{}: {}'.\n"
             "Overrides must be at the end of the defaults list{}",
             parent.config_path(), last_override->override_key(), option_text(*last_override),
             item.override_key(), option_text(item),
             item.mark.known() ? "\n" + item.mark.text() : "");
      }
      if (!item.override_) continue;
      last_override = &item;
      if (interpolated) {
        fail(ErrorCode::kConfig,
             "{}: Default List Overrides are not allowed in the subtree\n"
             "of an in interpolated config group (override {}={}).",
             parent.config_path(), item.override_key(), option_text(item));
      }
      overrides_.add(parent.config_path(), item);
    }
  }

  // True where the option is `???` and that is fine for now.
  bool check_missing(const DefaultItem& item) const {
    if (!item.config_path().ends_with("???")) return false;
    if (options_.skip_missing) return true;
    if (!item.is_group()) {
      fail(ErrorCode::kConfig, "Missing ConfigDefault is not supported : {}", item.config_path());
    }
    fail(ErrorCode::kConfig, "You must specify '{0}', e.g, {0}=<OPTION>\nAvailable options:\n{1}",
         item.override_key(), indented_lines(repository_.options(item.group_path())));
  }

  Repository& repository_;
  GroupOverrides overrides_;
  DefaultsOptions options_;
  std::vector<std::string> warnings_;
};

}  // namespace

DefaultsList make_defaults_list(Repository& repository, const std::string* config_name,
                                const std::vector<Override>& overrides, DefaultsOptions options) {
  return Builder(repository, overrides, options).run(config_name);
}

}  // namespace iolaus::config
