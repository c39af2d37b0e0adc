// --help and --hydra-help: the templates of `hydra.help` and `hydra.hydra_help`, filled in.
#include <algorithm>
#include <cctype>
#include <cstdio>

#include "config/interpolation.h"
#include "config/job.h"
#include "config/show.h"
#include "config/warning.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

void add_groups(const Repository& repository, const std::string& parent,
                std::vector<std::string>& groups) {
  for (const std::string& name : repository.options(parent, ObjectKind::kGroup)) {
    const std::string group = parent.empty() ? name : parent + "/" + name;
    if (!repository.options(group).empty()) groups.push_back(group);
    add_groups(repository, group, groups);
  }
}

std::string groups_text(const Repository& repository, bool of_hydra) {
  std::vector<std::string> groups;
  add_groups(repository, "", groups);
  std::sort(groups.begin(), groups.end());
  std::string text;
  for (const std::string& group : groups) {
    if ((group == "hydra" || group.starts_with("hydra/")) != of_hydra) continue;
    text += group + ": ";
    bool first = true;
    for (const std::string& option : repository.options(group)) {
      text += (first ? "" : ", ") + option;
      first = false;
    }
    text += "\n";
  }
  return text;
}

bool is_name_char(char c, bool first) {
  return c == '_' || std::isalpha(static_cast<unsigned char>(c)) ||
         (!first && std::isdigit(static_cast<unsigned char>(c)));
}

using Values = std::vector<std::pair<std::string, std::string>>;

// Python's string.Template: $NAME, ${NAME} and $$.
std::string substitute(const std::string& text, const Values& values) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      out += text[i];
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == '$') {
      out += text[i++];
      continue;
    }
    const bool braced = i + 1 < text.size() && text[i + 1] == '{';
    const std::size_t begin = i + (braced ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() && is_name_char(text[end], end == begin)) ++end;
    if (end == begin || (braced && (end == text.size() || text[end] != '}'))) {
      const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(i), '\n');
      const std::size_t start = text.rfind('\n', i);
      fail(ErrorCode::kConfig, "Invalid placeholder in string: line {}, col {}", line,
           start == std::string::npos ? i + 1 : i - start);
    }
    const std::string name = text.substr(begin, end - begin);
    const auto value = std::find_if(values.begin(), values.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (value == values.end()) {
      fail(ErrorCode::kConfig,
           "'{}'\nThe help template knows $FLAGS_HELP, $HYDRA_CONFIG_GROUPS, $APP_CONFIG_GROUPS "
           "and $CONFIG; write $$ for a dollar sign.",
           name);
    }
    out += value->second;
    i = braced ? end : end - 1;
  }
  return out;
}

void print_help(Session& session, const std::string& template_text, const Node& config,
                bool resolved) {
  const Repository& repository = session.composer.base_repository();
  const std::string help = substitute(
      template_text, {{"FLAGS_HELP", flags_help(completion_help(session.program))},
                      {"HYDRA_CONFIG_GROUPS", groups_text(repository, true)},
                      {"APP_CONFIG_GROUPS", groups_text(repository, false)},
                      {"CONFIG", resolved ? to_yaml(to_resolved(config)) : to_yaml(config)}});
  std::printf("%s\n", help.c_str());
}

std::string template_of(const Node& config, const std::string& path) {
  const NodeRef text = select(config, path, {.throw_on_missing = true});
  if (!text || !text->is_string()) {
    fail(ErrorCode::kConfig, "[help] expected a text at {}", path);
  }
  return text->as_string();
}

}  // namespace

int show_app_help(Session& session) {
  const Composition composition =
      session.composer.compose(session.config_name, session.arguments.overrides);
  warn_once(composition.warnings);
  set_current_config(&composition.config);
  print_help(session, template_of(composition.config, "hydra.help.template"),
             sanitized(composition.config, "job"), session.arguments.resolve);
  return 0;
}

int show_hydra_help(Session& session) {
  const Composition composition =
      session.composer.compose(std::nullopt, session.arguments.overrides);
  set_current_config(&composition.config);
  print_help(session, template_of(composition.config, "hydra.hydra_help.template"),
             sanitized(composition.config, "hydra"), false);
  return 0;
}

}  // namespace iolaus::config
