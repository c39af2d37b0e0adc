// GroupOverrides: bookkeeping with the messages of the reference.
#include "config/group_overrides.h"

#include <algorithm>

#include "config/update.h"

namespace iolaus::config {
namespace {

// Names of options. What is not text is refused when it is used (`not_text`), as the reference
// does: an override without a target is the greater mistake.
std::vector<std::string> option_names(const OverrideValue& value, std::string& not_text) {
  std::vector<std::string> names;
  for (const OverrideValue& item : value.items) {
    if (!item.is_text() && not_text.empty()) not_text = item.type_name();
    names.push_back(item.is_text() ? item.text() : "");
  }
  return names;
}

// Python's type name of an override's value.
std::string value_type(const Override& override) {
  return override.has_value() ? override.value.type_name() : "NoneType";
}

std::string where(const Mark& mark) { return mark.known() ? "\n" + mark.text() : ""; }

}  // namespace

GroupOverrides::GroupOverrides(const Repository& repository,
                               const std::vector<Override>& overrides) {
  for (const Override& override : overrides) {
    if (override.is_sweep()) continue;
    const bool is_dict = override.value.kind == OverrideValue::Kind::kDict;
    if (is_dict || override.value.kind == OverrideValue::Kind::kExtension ||
        !repository.group_exists(override.key)) {
      config_overrides_.push_back(override);
    } else {
      add_external(override);
    }
  }
}

void GroupOverrides::add_external(const Override& override) {
  const OverrideValue& value = override.value;
  const bool is_list = value.kind == OverrideValue::Kind::kList;
  if (override.is_force_add()) {
    fail(ErrorCode::kConfig, "force-add of config groups is not supported: '{}'", override.line);
  }
  if (override.is_delete()) {
    if (override.has_value() && !value.is_text() && (is_list || !value.scalar.is_null())) {
      fail(ErrorCode::kConfig, "Config group override deletion value must be a string : {}",
           override.line);
    }
    const bool named = override.has_value() && value.is_text();
    const std::string key = override.key_element().substr(1);
    std::erase_if(deletions_, [&](const Deletion& deletion) { return deletion.key == key; });
    deletions_.push_back({key, named ? std::optional(value.text()) : std::nullopt});
    return;
  }
  if (!value.is_text() && !is_list) {
    fail(ErrorCode::kConfig, "Config group override must be a string or a list. Got {}{}",
         value_type(override), where(override.mark));
  }
  if (override.is_add()) {
    DefaultItem item = DefaultItem::of_group(override.key, override.package);
    item.value_kind = is_list ? DefaultItem::Value::kOptions : DefaultItem::Value::kName;
    if (is_list) item.options = option_names(value, item.not_text);
    if (!is_list) item.value = value.text();
    item.external_append = true;
    item.mark = override.mark;
    appended_.push_back(std::move(item));
    return;
  }
  Choice choice;
  choice.key = override.key_element();
  choice.kind = is_list ? DefaultItem::Value::kOptions : DefaultItem::Value::kName;
  if (is_list) choice.options = option_names(value, choice.not_text);
  if (!is_list) choice.name = value.text();
  choice.text = is_list ? value.repr() : value.text();
  choice.mark = override.mark;
  set_choice(std::move(choice));
}

GroupOverrides::Choice* GroupOverrides::find_choice(const std::string& key) {
  for (Choice& choice : overridden_) {
    if (choice.key == key) return &choice;
  }
  return nullptr;
}

void GroupOverrides::set_choice(Choice choice) {
  if (Choice* before = find_choice(choice.key)) {
    *before = std::move(choice);
  } else {
    overridden_.push_back(std::move(choice));
  }
}

void GroupOverrides::add(const std::string& config_path, const DefaultItem& item) {
  Choice choice;
  choice.key = item.override_key();
  if (find_choice(choice.key)) return;
  choice.kind = item.value_kind;
  choice.name = item.value;
  choice.options = item.options;
  choice.external = false;
  choice.config_path = config_path;
  choice.mark = item.mark;
  overridden_.push_back(std::move(choice));
}

void GroupOverrides::apply(DefaultItem& item) {
  if (!item.is_group()) return;
  Choice* choice = find_choice(item.override_key());
  if (!choice) return;
  item.value_kind = choice->kind;
  item.value = choice->name;
  item.options = choice->options;
  item.not_text = choice->not_text;
  if (choice->mark.known()) item.mark = choice->mark;
  choice->used = true;
}

bool GroupOverrides::take_deletion(const DefaultItem& item) {
  if (!item.is_group() || deletions_.empty()) return false;
  const std::string key = item.override_key();
  for (Deletion& deletion : deletions_) {
    if (deletion.key != key) continue;
    if (deletion.name && deletion.name != item.name()) return false;
    deletion.used = true;
    return true;
  }
  return false;
}

void GroupOverrides::note_choice(const DefaultItem& item) {
  if (!item.is_group()) return;
  const std::string key = item.override_key();
  const std::optional<std::string> name = item.name();
  const auto [known, added] = choice_index_.emplace(key, choices_.size());
  if (added) {
    choices_.emplace_back(key, name);
  } else if (choices_[known->second].second != name) {
    fail(ErrorCode::kConfig, "Multiple values for {}. To override a value use 'override {}: {}'{}",
         key, key, choices_[known->second].second.value_or("None"), where(item.mark));
  }
  keys_of_group_[item.group_path()].insert(key);
}

void GroupOverrides::fail_unused(const Choice& choice) const {
  const std::string group = choice.key.substr(0, choice.key.find('@'));
  std::string message = "Could not override '" + choice.key + "'.";
  const auto found = keys_of_group_.find(group);
  if (found == keys_of_group_.end() || found->second.empty()) {
    message += " No match in the defaults list.";
    std::vector<std::string> groups;
    for (const auto& [name, keys] : keys_of_group_) groups.push_back(name);
    const std::string near = did_you_mean(group, groups);
    if (!near.empty()) message += "\n" + near.substr(1);
  } else if (found->second.size() == 1) {
    message += "\nDid you mean to override " + *found->second.begin() + "?";
  } else {
    message += "\nDid you mean to override one of ";
    std::size_t n = 0;
    for (const std::string& key : found->second) message += (n++ > 0 ? ", " : "") + key;
    message += "?";
  }
  if (choice.external) {
    message += "\nTo append to your default list use +" + choice.key + "=" + choice.text;
  } else {
    message = "In '" + choice.config_path + "': " + message;
  }
  fail(ErrorCode::kConfig, "{}{}", message, where(choice.mark));
}

void GroupOverrides::check_all_used() const {
  for (const Choice& choice : overridden_) {
    if (!choice.used) fail_unused(choice);
  }
  for (const Deletion& deletion : deletions_) {
    if (deletion.used) continue;
    fail(ErrorCode::kConfig, "Could not delete '{}{}'. No match in the defaults list", deletion.key,
         deletion.name ? "=" + *deletion.name : "");
  }
}

}  // namespace iolaus::config
