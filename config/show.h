// What an application prints instead of running: configs, defaults lists, help, completion.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/app.h"
#include "config/arguments.h"
#include "config/compose.h"

namespace iolaus::config {

/// The tree that these arguments name. kConfig where --config-dir does not exist.
ComposerSettings composer_settings(const Arguments& arguments, const AppOptions& options);

/// One start of an application: what it was told and what it composes with.
struct Session {
  const AppOptions& options;
  const Arguments& arguments;
  Composer& composer;
  std::optional<std::string> config_name;
  std::string program;  // how a user starts the application
};

int show_config(Session& session);
int show_info(Session& session);
int show_app_help(Session& session);
int show_hydra_help(Session& session);
/// `-sc install=bash`, `-sc uninstall=zsh`, `-sc query=fish`.
int shell_completion(Session& session);
/// Lines that tell how to install completion, for help texts.
std::string completion_help(const std::string& program);

/// The config without `hydra` ("job"), or only it ("hydra", without its help), or all of it.
Node sanitized(const Node& config, const std::string& what);

/// All registered targets with their parameters, types, defaults and docs.
std::string targets_text();
/// "label\n*****\n".
std::string header(const std::string& text, char filler);
/// The tree of the defaults list, indented.
std::string defaults_tree_text(const DefaultsTree& tree);

}  // namespace iolaus::config
