// What the command line and `override` items say about groups: options, appended groups and
// deletions; and which of them found their target.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/defaults_item.h"
#include "config/override.h"
#include "config/repository.h"

namespace iolaus::config {

class GroupOverrides {
 public:
  /// Sorts overrides into groups and values by what the repository has. kConfig for a group
  /// override that makes no sense.
  GroupOverrides(const Repository& repository, const std::vector<Override>& overrides);

  const std::vector<DefaultItem>& appended() const { return appended_; }
  std::vector<Override>& config_overrides() { return config_overrides_; }

  /// `override group: option` in a config; the first one to say so wins.
  void add(const std::string& config_path, const DefaultItem& item);
  /// Puts the overriding option into an item, if there is one.
  void apply(DefaultItem& item);
  /// True where `~group` or `~group=option` names the item; it then counts as used.
  bool take_deletion(const DefaultItem& item);
  /// Notes the option of a group; kConfig where it was chosen differently before.
  void note_choice(const DefaultItem& item);

  using Choices = std::vector<std::pair<std::string, std::optional<std::string>>>;
  const Choices& choices() const { return choices_; }

  /// kConfig where an override or deletion found nothing.
  void check_all_used() const;

 private:
  struct Choice {
    std::string key;
    DefaultItem::Value kind = DefaultItem::Value::kName;
    std::string name;
    std::vector<std::string> options;
    std::string not_text;     // type of an option that is no name
    std::string text;         // for messages
    bool external = true;     // from the command line
    std::string config_path;  // else: the config that says so
    bool used = false;
    Mark mark;
  };
  struct Deletion {
    std::string key;
    std::optional<std::string> name;
    bool used = false;
  };

  void add_external(const Override& override);
  void set_choice(Choice choice);
  Choice* find_choice(const std::string& key);
  [[noreturn]] void fail_unused(const Choice& choice) const;

  std::vector<Choice> overridden_;
  std::vector<Deletion> deletions_;
  std::vector<DefaultItem> appended_;
  std::vector<Override> config_overrides_;
  Choices choices_;
  std::map<std::string, std::size_t> choice_index_;
  std::map<std::string, std::set<std::string>> keys_of_group_;
};

}  // namespace iolaus::config
