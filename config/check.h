// Looking at a config without running it: the check for mistakes and the comparison of two configs.
#pragma once

#include <string>
#include <vector>

#include "config/show.h"

namespace iolaus::config {

/// --check: composes and reports all at once what is missing, does not resolve, or names an unknown
/// target or parameter. Exit status 1 where something is wrong.
int check_config(Session& session);
/// The problems of a composed config, one message each, with the place of the value.
std::vector<std::string> config_problems(const Node& config);

/// --diff: the differences from another config (a run's folder, a YAML file, or overrides) to this
/// one. Exit status 1 where they differ.
int show_diff(Session& session);
/// One line for each key that differs: "- key: old", "+ key: new", "~ key: old -> new".
std::vector<std::string> config_diff(const Node& before, const Node& after);

/// Sets the variables of a `.env` file that the environment does not have yet. kIo where the file
/// cannot be read, kConfig for a bad line.
void load_env_file(const std::string& path);

}  // namespace iolaus::config
