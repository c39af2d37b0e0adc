// Shell completion: scripts for bash, zsh and fish, and the answers to their queries.
#include <dirent.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "config/interpolation.h"
#include "config/job.h"
#include "config/paths.h"
#include "config/show.h"
#include "config/update.h"

namespace iolaus::config {
namespace {

std::string first_word(const std::string& text) { return text.substr(0, text.find(' ')); }

// The function asks the program itself, with the line in COMP_LINE. The words of a subcommand
// ("iolaus train") belong to the program's name.
std::string bash_script(const std::string& program) {
  const std::string name = first_word(program);
  std::string script = "export _HYDRA_OLD_COMP=$(complete -p " + name + " 2> /dev/null)\n";
  script += R"(hydra_bash_completion()
{
    local words=($COMP_LINE)
    local helper=")" +
            program + R"("
    if [ "${words[*]:0:)" +
            std::to_string(1 + std::count(program.begin(), program.end(), ' ')) +
            R"(}" != "$helper" ]; then
        return
    fi
    local choices=$( COMP_POINT=$COMP_POINT COMP_LINE=$COMP_LINE $helper -sc query=bash )
    local word=${COMP_WORDS[$COMP_CWORD]}
    COMPREPLY=($( compgen -o nospace -o default -W "$choices" -- "$word" ))
}

COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
COMP_WORDBREAKS=$COMP_WORDBREAKS complete -o nospace -o default -F hydra_bash_completion )";
  return script + name + "\n";
}

std::string fish_script(const std::string& program) {
  return R"(function hydra_fish_completion
    set -lx COMP_LINE (commandline -cp)
    )" + program +
         R"( -sc query=fish
end
complete -c )" +
         first_word(program) + " -x -a '(hydra_fish_completion)'\n";
}

void install(const std::string& shell, const std::string& program) {
  // zsh runs bash's completion functions when it is told to.
  if (shell == "zsh") std::fputs("autoload -Uz bashcompinit && bashcompinit\n", stdout);
  std::fputs((shell == "fish" ? fish_script(program) : bash_script(program)).c_str(), stdout);
}

void uninstall(const std::string& shell, const std::string& program) {
  if (shell == "fish") {
    std::printf("complete -e -c %s\nfunction hydra_fish_completion\nend\n",
                first_word(program).c_str());
    return;
  }
  const char* old = std::getenv("_HYDRA_OLD_COMP");
  std::printf("unset hydra_bash_completion\n%s\nunset _HYDRA_OLD_COMP\n", old ? old : "");
}

std::vector<std::string> split_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : line + " ") {
    if (!std::isspace(static_cast<unsigned char>(c))) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

// Takes the program's name (and "python script.py") off the line.
std::string without_program(const std::string& line, const std::string& program) {
  const std::vector<std::string> words = split_words(line);
  std::size_t skip = 1;
  const std::vector<std::string> own = split_words(program);
  if (words.size() >= own.size() && std::equal(own.begin() + 1, own.end(), words.begin() + 1)) {
    skip = std::max<std::size_t>(own.size(), 1);
  }
  if (!words.empty() && (words[0].ends_with("python") || words[0].ends_with("python3"))) skip = 2;
  std::size_t at = 0;
  for (std::size_t i = 0; i < skip; ++i) {
    at = line.find_first_not_of(" \t", at);
    if (at == std::string::npos) return "";
    at = line.find_first_of(" \t", at);
    if (at == std::string::npos) return "";
  }
  at = line.find_first_not_of(" \t", at);
  return at == std::string::npos ? "" : line.substr(at);
}

// `key=./da` completes files. True where the word is of that kind.
bool complete_files(const std::string& word, std::set<std::string>& matches) {
  const std::size_t equal = word.rfind('=');
  if (equal == std::string::npos || equal + 1 == word.size()) return false;
  const std::string path = word.substr(equal + 1);
  if (path[0] != '.' && path[0] != '/' && path[0] != '\\') return false;
  std::string directory = path, prefix;
  if (!is_directory(path)) {
    const std::size_t slash = path.rfind('/');
    directory = slash == std::string::npos ? "" : path.substr(0, slash == 0 ? 1 : slash);
    prefix = path.substr(slash == std::string::npos ? 0 : slash + 1);
  }
  DIR* opened = directory.empty() ? nullptr : ::opendir(directory.c_str());
  if (!opened) return true;
  while (const dirent* entry = ::readdir(opened)) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || !name.starts_with(prefix)) continue;
    matches.insert(word.substr(0, equal + 1) + join_path(directory, name));
  }
  ::closedir(opened);
  return true;
}

// Groups and options; true where the word names a group and asks for its option.
bool complete_groups(const Repository& repository, std::string word,
                     std::set<std::string>& matches) {
  std::string prefix;
  const bool deletion = word.starts_with('~');
  if (deletion || word.starts_with('+')) {
    prefix = word.substr(0, 1);
    word.erase(0, 1);
  }
  const std::size_t equal = word.rfind('=');
  if (equal != std::string::npos) {
    const std::string group = word.substr(0, equal);
    bool any = false;
    for (const std::string& option : repository.options(group)) {
      const std::string name = group.empty() ? option : group + "=" + option;
      if (name.starts_with(word)) matches.insert(prefix + name);
      any = true;
    }
    return any;
  }
  const std::size_t slash = word.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : word.substr(0, slash);
  for (const std::string& group : repository.options(parent, ObjectKind::kGroup)) {
    std::string name = parent.empty() ? group : parent + "/" + group;
    if (!name.starts_with(word)) continue;
    const bool has_configs = !repository.options(name).empty();
    const bool has_groups = !repository.options(name, ObjectKind::kGroup).empty();
    if (!has_groups && has_configs && !deletion) name += "=";
    if (has_groups && !has_configs) name += "/";
    matches.insert(prefix + name);
  }
  return false;
}

void add_children(const Node& config, const std::string& lead, const std::string& partial,
                  std::set<std::string>& matches) {
  if (!config.is_container()) return;
  std::size_t index = 0;
  for (const Node& child : config) {
    const std::string name = config.is_dict() ? child.key().text() : std::to_string(index++);
    if (!name.starts_with(partial)) continue;

    matches.insert(lead + name + (child.is_container() ? "." : "="));
  }
}

void complete_keys(const Node& config, const std::string& word, std::set<std::string>& matches) {
  if (word.ends_with('.') || word.ends_with('=')) {
    const NodeRef node = select(config, word.substr(0, word.size() - 1));
    if (!node || node->is_null()) return;
    if (node->is_container()) return add_children(*node, word, "", matches);
    const bool is_bool = node->is_bool();
    matches.insert(word + (is_bool ? (node->as_bool() ? "true" : "false") : node->str()));
    return;
  }
  const std::size_t dot = word.rfind('.');
  if (dot == std::string::npos) return add_children(config, "", word, matches);
  const NodeRef node = select(config, word.substr(0, dot));
  if (node) add_children(*node, word.substr(0, dot + 1), word.substr(dot + 1), matches);
}

std::set<std::string> matches_of(const Session& session) {
  const char* typed = std::getenv("COMP_LINE");
  const std::string line = without_program(typed, session.program);
  // What the line says of the tree wins over how the script was installed.
  Arguments arguments = parse_arguments(split_words(line));
  const Arguments& own = session.arguments;
  if (!arguments.config_path) arguments.config_path = own.config_path;
  if (!arguments.config_dir) arguments.config_dir = own.config_dir;
  if (!arguments.version_base) arguments.version_base = own.version_base;
  Composer composer(composer_settings(arguments, session.options));
  std::vector<std::string> words = arguments.overrides;
  std::string word;
  if (!line.empty() && line.back() != ' ' && !words.empty()) {
    word = words.back();
    words.pop_back();
  }
  std::set<std::string> matches;
  if (complete_files(word, matches)) return matches;
  std::vector<std::string> ignored;
  const std::optional<std::string> config_name =
      arguments.config_name ? arguments.config_name : session.config_name;
  const Repository& repository =
      composer.repository(config_name, parse_overrides(words, composer.grammar()), ignored);
  if (complete_groups(repository, word, matches)) return matches;
  try {
    const Composition composition = composer.compose(
        config_name, words, {.mode = arguments.multirun ? RunMode::kMultirun : RunMode::kRun});
    set_current_config(&composition.config);
    complete_keys(composition.config, word, matches);
  } catch (const Error&) {
    // A config that does not compose (yet) has no keys to offer.
  }
  return matches;
}

// Whoever presses the tab key wants matches, and no message in the middle of the line.
std::set<std::string> query(const Session& session) {
  try {
    return matches_of(session);
  } catch (const Error&) {
  } catch (const UsageError&) {
  }
  return {};
}

}  // namespace

std::string completion_help(const std::string& program) {
  const auto eval = [&](const std::string& verb, const std::string& shell) {
    return "eval \"$(" + program + " -sc " + verb + "=" + shell + ")\"\n";
  };
  std::string text;
  for (const char* shell : {"bash", "fish", "zsh"}) {
    std::string name = shell;
    name[0] = static_cast<char>(std::toupper(name[0]));
    for (const char* verb : {"install", "uninstall"}) {
      std::string title = verb;
      title[0] = static_cast<char>(std::toupper(title[0]));
      text += "    " + name + " - " + title + ":\n    ";
      text += name == "Fish" ? program + " -sc " + verb + "=fish | source\n" : eval(verb, shell);
    }
    text += "\n";
  }
  return text;
}

int shell_completion(Session& session) {
  static const std::vector<std::string> kShells = {"bash", "fish", "zsh"};
  std::string command, shell;
  int commands = 0;
  for (const std::string& word : session.arguments.overrides) {
    const std::string name = word.substr(0, word.find('='));
    if (name != "install" && name != "uninstall" && name != "query") continue;
    command = name;
    shell = word.size() > name.size() ? word.substr(name.size() + 1) : "";
    ++commands;
  }
  if (commands != 1) {
    fail(ErrorCode::kConfig,
         "Expecting one subcommand from ['install', 'uninstall', 'query'] to be set");
  }
  if (std::find(kShells.begin(), kShells.end(), shell) == kShells.end()) {
    fail(ErrorCode::kConfig,
         "No completion plugin for '{}' found, available : \n\tbash\n\tfish\n\tzsh{}", shell,
         did_you_mean(shell, kShells));
  }
  if (command == "install") install(shell, session.program);
  if (command == "uninstall") uninstall(shell, session.program);
  if (command == "query") {
    if (!std::getenv("COMP_LINE")) {
      fail(ErrorCode::kConfig, "[completion] expected the command line in COMP_LINE");
    }
    std::string text;
    for (const std::string& match : query(session)) {
      text += (text.empty() ? "" : shell == "fish" ? "\n" : " ") + match;
    }
    std::printf("%s\n", text.c_str());
  }
  return 0;
}

}  // namespace iolaus::config
