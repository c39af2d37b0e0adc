// --check and --diff.
#include "config/check.h"

#include <cstdio>
#include <map>

#include "config/instantiate.h"
#include "config/interpolation.h"
#include "config/job.h"
#include "config/override.h"
#include "config/paths.h"
#include "config/update.h"
#include "config/warning.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

std::string place(const Node& node) { return node.mark().known() ? node.mark().text() + ": " : ""; }

std::string first_line(const std::string& text) {
  const std::size_t begin = text.find_first_not_of('\n');
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find('\n', begin) - begin);
}

void add_problems(const Node& node, std::vector<std::string>& problems) {
  if (node.is_container()) {
    for (const Node& child : node) add_problems(child, problems);
    return;
  }
  if (node.is_missing()) {
    problems.push_back(place(node) + "Missing mandatory value: " + node.full_key());
    return;
  }
  if (!node.is_interpolation()) return;
  try {
    resolve(node);
  } catch (const Error& error) {
    problems.push_back(place(node) + node.full_key() + ": " + first_line(error.what()));
  }
}

// Every value by its full key; empty containers too.
void flatten(const Node& node, std::map<std::string, std::string>& values,
             std::vector<std::string>& order) {
  if (node.is_container() && !node.empty()) {
    for (const Node& child : node) flatten(child, values, order);
    return;
  }
  const std::string key = node.full_key();
  values[key] = node.is_string() ? node.repr() : node.str();
  order.push_back(key);
}

// The config that --diff names.
Node other_config(Session& session, const std::string& name) {
  for (const char* inside : {"/.hydra/config.yaml", "/config.yaml", ""}) {
    if (is_file(name + inside)) return load_file(name + inside);
  }
  if (is_directory(name)) {
    fail(ErrorCode::kNotFound, "[diff] expected a run's folder with .hydra/config.yaml: {}", name);
  }
  std::vector<std::string> lines;
  std::string word;
  char quote = 0;
  for (const char c : name + " ") {
    if (c == ' ' && quote == 0) {
      if (!word.empty()) lines.push_back(word);
      word.clear();
      continue;
    }
    if (c == '\'' || c == '"') quote = quote == 0 ? c : quote == c ? 0 : quote;
    word += c;
  }
  return sanitized(session.composer.compose(session.config_name, lines).config, "job");
}

}  // namespace

std::vector<std::string> config_problems(const Node& config) {
  std::vector<std::string> problems;
  add_problems(config, problems);
  for (std::string& problem : check_targets(config)) problems.push_back(std::move(problem));
  return problems;
}

int check_config(Session& session) {
  Composition composition =
      session.composer.compose(session.config_name, session.arguments.overrides);
  warn_once(composition.warnings);
  set_current_config(&composition.config);
  const Node job = sanitized(composition.config, "job");
  std::vector<std::string> problems = config_problems(job);
  try {
    session.composer.check_schemas(composition, session.config_name);
  } catch (const Error& error) {
    problems.emplace_back(error.what());
  }
  for (const std::string& problem : problems) std::fprintf(stderr, "%s\n", problem.c_str());
  if (problems.empty()) {
    std::printf("The config is fine.\n");
    return 0;
  }
  std::fprintf(stderr, "%zu problem%s\n", problems.size(), problems.size() == 1 ? "" : "s");
  return 1;
}

std::vector<std::string> config_diff(const Node& before, const Node& after) {
  std::map<std::string, std::string> old_values, new_values;
  std::vector<std::string> old_order, new_order;
  flatten(before, old_values, old_order);
  flatten(after, new_values, new_order);
  std::vector<std::string> lines;
  for (const std::string& key : old_order) {
    const auto now = new_values.find(key);
    if (now == new_values.end()) {
      lines.push_back("- " + key + ": " + old_values[key]);
    } else if (now->second != old_values[key]) {
      lines.push_back("~ " + key + ": " + old_values[key] + " -> " + now->second);
    }
  }
  for (const std::string& key : new_order) {
    if (!old_values.contains(key)) lines.push_back("+ " + key + ": " + new_values[key]);
  }
  return lines;
}

int show_diff(Session& session) {
  const Composition composition =
      session.composer.compose(session.config_name, session.arguments.overrides);
  warn_once(composition.warnings);
  const Node other = other_config(session, *session.arguments.diff);
  const std::vector<std::string> lines = config_diff(other, sanitized(composition.config, "job"));
  for (const std::string& line : lines) std::printf("%s\n", line.c_str());
  return lines.empty() ? 0 : 1;
}

}  // namespace iolaus::config
