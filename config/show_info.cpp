// --info: the search path, the defaults list as table and tree, what is built in.
#include <algorithm>
#include <cstdio>

#include "config/interpolation.h"
#include "config/job.h"
#include "config/show.h"
#include "config/warning.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

using Rows = std::vector<std::vector<std::string>>;

void print(const std::string& text) { std::fputs((text + "\n").c_str(), stdout); }

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// A table as the reference draws it; `tail` ends the line of titles.
void print_table(const Rows& rows, const std::string& tail) {
  std::vector<std::size_t> widths(rows[0].size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  const auto line = [&](const std::vector<std::string>& row) {
    std::string text = "|";
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += " " + row[i] + std::string(widths[i] - width_of(row[i]), ' ') + " |";
    }
    return text;
  };
  const std::string title = line(rows[0]) + tail;
  print(title);
  const std::string rule(width_of(title), '-');
  print(rule);
  for (std::size_t i = 1; i < rows.size(); ++i) print(line(rows[i]));
  print(rule);
}

void print_header(const std::string& text, char filler) {
  std::fputs(header(text, filler).c_str(), stdout);
}

Composition compose(Session& session) {
  return session.composer.compose(session.config_name, session.arguments.overrides,
                                  {.mode = RunMode::kRun});
}

void print_search_path(Session& session) {
  print("");
  print_header("Config search path", '*');
  const Composition composition = compose(session);
  warn_once(composition.warnings);
  Rows rows = {{"Provider", "Search path"}};
  const NodeRef sources = select(composition.config, "hydra.runtime.config_sources");
  for (const Node& source : *sources) {
    rows.push_back({source.at(Key("provider")).str(),
                    source.at(Key("schema")).str() + "://" + source.at(Key("path")).str()});
  }
  print_table(rows, "");
}

DefaultsList defaults_of(Session& session) {
  return session.composer.defaults_list(session.config_name, session.arguments.overrides,
                                        RunMode::kRun);
}

void print_defaults_list(Session& session) {
  const DefaultsList list = defaults_of(session);
  warn_once(list.warnings);
  Rows rows = {{"Config path", "Package", "_self_", "Parent"}};
  for (const ResultDefault& item : list.defaults) {
    rows.push_back({item.config_path, item.package, item.is_self ? "True" : "False",
                    item.parent.value_or("")});
  }
  print("");
  print_header("Defaults List", '*');
  print_table(rows, " ");
}

void print_defaults_tree(Session& session) {
  const DefaultsList list = defaults_of(session);
  warn_once(list.warnings);
  print("");
  print_header("Defaults Tree", '*');
  std::fputs(defaults_tree_text(*list.tree).c_str(), stdout);
}

void print_config(Session& session) {
  print_search_path(session);
  print_defaults_tree(session);
  print_defaults_list(session);
  const Composition composition = compose(session);
  set_current_config(&composition.config);
  print_header("Config", '*');
  print(to_yaml(sanitized(composition.config, "job")));
}

void print_plugins(Session& session) {
  print_header("Installed Hydra Plugins", '*');
  const auto section = [](const std::string& name, const std::vector<std::string>& plugins) {
    print("\t" + name + ":");
    print("\t" + std::string(name.size() + 1, '-'));
    for (const std::string& plugin : plugins) print("\t\t" + plugin);
  };
  section("ConfigSource", {"file", "pkg", "structured"});
  section("CompletionPlugin", {"bash", "fish", "zsh"});
  section("Launcher", session.composer.base_repository().options("hydra/launcher"));
  section("Sweeper", session.composer.base_repository().options("hydra/sweeper"));
}

}  // namespace

std::string header(const std::string& text, char filler) {
  return text + "\n" + std::string(width_of(text), filler) + "\n";
}

std::string defaults_tree_text(const DefaultsTree& tree) {
  std::string text;
  const auto walk = [&](const auto& self, const DefaultsTree& node, std::size_t depth) -> void {
    const DefaultItem& item = node.item;
    std::string name = item.config_path();
    if (item.is_group()) name = item.override_key() + ": " + item.name().value_or("null");
    text += std::string(2 * depth, ' ') + name + (node.children.empty() ? "\n" : ":\n");
    for (const auto& child : node.children) self(self, *child, depth + 1);
  };
  walk(walk, tree, 0);
  return text;
}

int show_info(Session& session) {
  const std::string& what = *session.arguments.info;
  if (what == "defaults") print_defaults_list(session);
  if (what == "defaults-tree") print_defaults_tree(session);
  if (what == "config") print_config(session);
  if (what == "searchpath") print_search_path(session);
  if (what == "plugins") print_plugins(session);
  if (what == "targets") std::fputs(targets_text().c_str(), stdout);
  if (what == "all") {
    print_header(std::string("Hydra ") + version(), '=');
    print_plugins(session);
    print_config(session);
  }
  return 0;
}

}  // namespace iolaus::config
