// A table of flags and the rules of argparse for finding them.
#include "config/arguments.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "config/update.h"

namespace iolaus::config {
namespace {

struct CommandFlag {
  enum class Takes { kNothing, kValue, kMaybeValue };
  std::vector<std::string> names;
  Takes takes;
  std::vector<std::string> choices;
  std::string help;
  std::function<void(Arguments&, const std::string&)> set;
};

using Takes = CommandFlag::Takes;

template <auto member> std::function<void(Arguments&, const std::string&)> on() {
  return [](Arguments& arguments, const std::string&) { arguments.*member = true; };
}

template <auto member> std::function<void(Arguments&, const std::string&)> value_of() {
  return [](Arguments& arguments, const std::string& value) { arguments.*member = value; };
}

const std::vector<CommandFlag>& flags() {
  static const std::vector<std::string> kInfo = {
      "all", "config", "defaults", "defaults-tree", "plugins", "searchpath", "targets"};
  static const std::vector<CommandFlag> all = {
      {{"--help", "-h"}, Takes::kNothing, {}, "Application's help", on<&Arguments::help>()},
      {{"--hydra-help"}, Takes::kNothing, {}, "Hydra's help", on<&Arguments::hydra_help>()},
      {{"--version"},
       Takes::kNothing,
       {},
       "Show Hydra's version and exit",
       on<&Arguments::version>()},
      {{"--cfg", "-c"},
       Takes::kValue,
       {"job", "hydra", "all"},
       "Show config instead of running [job|hydra|all]",
       value_of<&Arguments::cfg>()},
      {{"--resolve"},
       Takes::kNothing,
       {},
       "Used in conjunction with --cfg, resolve config interpolations before printing.",
       on<&Arguments::resolve>()},
      {{"--package", "-p"},
       Takes::kValue,
       {},
       "Config package to show",
       value_of<&Arguments::package>()},
      {{"--run", "-r"}, Takes::kNothing, {}, "Run a job", on<&Arguments::run>()},
      {{"--multirun", "-m"},
       Takes::kNothing,
       {},
       "Run multiple jobs with the configured launcher and sweeper",
       on<&Arguments::multirun>()},
      {{"--shell-completion", "-sc"},
       Takes::kNothing,
       {},
       "Install or Uninstall shell completion:",
       on<&Arguments::shell_completion>()},
      {{"--config-path", "-cp"},
       Takes::kValue,
       {},
       "Overrides the application's config directory. Absolute, or relative to the current "
       "directory",
       value_of<&Arguments::config_path>()},
      {{"--config-name", "-cn"},
       Takes::kValue,
       {},
       "Overrides the application's config name",
       value_of<&Arguments::config_name>()},
      {{"--config-dir", "-cd"},
       Takes::kValue,
       {},
       "Adds an additional config dir to the config search path",
       value_of<&Arguments::config_dir>()},
      {{"--experimental-rerun"},
       Takes::kValue,
       {},
       "Rerun a job from the files of a previous run: its output folder or its .hydra folder",
       value_of<&Arguments::rerun>()},
      {{"--info", "-i"},
       Takes::kMaybeValue,
       kInfo,
       "Print Hydra information "
       "[all|config|defaults|defaults-tree|plugins|searchpath|targets]",
       value_of<&Arguments::info>()},
      {{"--blame"},
       Takes::kNothing,
       {},
       "Used in conjunction with --cfg, show which file and line or override set each value",
       on<&Arguments::blame>()},
      {{"--check"},
       Takes::kNothing,
       {},
       "Check the config without running: missing values, interpolations, targets",
       on<&Arguments::check>()},
      {{"--diff"},
       Takes::kValue,
       {},
       "Compare the config with another: a run's folder, a config file, or overrides in quotes",
       value_of<&Arguments::diff>()},
      {{"--env-file"},
       Takes::kValue,
       {},
       "Read environment variables from a file of NAME=value lines first",
       [](Arguments& arguments, const std::string& value) {
         arguments.env_files.push_back(value);
       }},
      {{"--continue"},
       Takes::kNothing,
       {},
       "Used in conjunction with --multirun, run only the jobs that are missing or failed",
       on<&Arguments::resume>()},
      {{"--version-base"},
       Takes::kValue,
       {"1.2", "1.3", "1.4"},
       "Which version of Hydra to behave as [1.2|1.3|1.4]",
       value_of<&Arguments::version_base>()},
  };
  return all;
}

struct Match {
  const CommandFlag* flag = nullptr;
  std::string name;                     // as it matched
  std::optional<std::string> argument;  // written with the flag: --a=b, -ab
};

const CommandFlag* find_exact(const std::string& name) {
  for (const CommandFlag& flag : flags()) {
    if (std::find(flag.names.begin(), flag.names.end(), name) != flag.names.end()) return &flag;
  }
  return nullptr;
}

// All flags that a word may abbreviate, as argparse finds them.
std::vector<Match> abbreviations(const std::string& word) {
  std::vector<Match> matches;
  const bool is_long = word.starts_with("--");
  std::string prefix = word;
  std::optional<std::string> argument;
  if (is_long && word.find('=') != std::string::npos) {
    prefix = word.substr(0, word.find('='));
    argument = word.substr(word.find('=') + 1);
  }
  for (const CommandFlag& flag : flags()) {
    for (const std::string& name : flag.names) {
      if (!is_long && name == word.substr(0, 2)) {
        matches.push_back({&flag, name, word.substr(2)});
      } else if (name.starts_with(prefix)) {
        matches.push_back({&flag, name, argument});
      }
    }
  }
  return matches;
}

bool is_negative_number(const std::string& word) {
  const std::size_t digits = word.find_first_not_of("0123456789", 1);
  if (digits == std::string::npos) return word.size() > 1;
  return word[digits] == '.' && word.size() > digits + 1 &&
         word.find_first_not_of("0123456789", digits + 1) == std::string::npos;
}

std::string joined_names(const CommandFlag& flag) {
  std::string text;
  for (const std::string& name : flag.names) text += (text.empty() ? "" : "/") + name;
  return text;
}

class Reader {
 public:
  explicit Reader(const std::vector<std::string>& words) : words_(words) {}

  Arguments run() {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_++];
      if (word == "--" && !only_overrides_) {
        only_overrides_ = true;
      } else if (only_overrides_ || !is_flag(word)) {
        result_.overrides.push_back(word);
      } else {
        read_flag(find(word), word);
      }
    }
    if (!unknown_.empty()) {
      throw UsageError{"unrecognized arguments: " + unknown_ + suggestion_};
    }
    return std::move(result_);
  }

 private:
  static bool is_flag(const std::string& word) {
    if (word.size() < 2 || word[0] != '-') return false;
    if (find_exact(word)) return true;
    if (find_exact(word.substr(0, word.find('=')))) return true;
    if (!abbreviations(word).empty()) return true;
    return !is_negative_number(word) && word.find(' ') == std::string::npos;
  }

  static Match find(const std::string& word) {
    if (const CommandFlag* flag = find_exact(word)) return {flag, word, std::nullopt};
    const std::size_t equal = word.find('=');
    if (equal != std::string::npos) {
      const std::string name = word.substr(0, equal);
      if (const CommandFlag* flag = find_exact(name)) return {flag, name, word.substr(equal + 1)};
    }
    const std::vector<Match> matches = abbreviations(word);
    if (matches.size() > 1) {
      std::string names;
      for (const Match& match : matches) names += (names.empty() ? "" : ", ") + match.name;
      throw UsageError{"ambiguous option: " + word + " could match " + names};
    }
    return matches.empty() ? Match{} : matches[0];
  }

  void read_flag(Match match, const std::string& word) {
    if (!match.flag) {
      unknown_ += (unknown_.empty() ? "" : " ") + word;
      std::vector<std::string> names;
      for (const CommandFlag& flag : flags()) {
        names.insert(names.end(), flag.names.begin(), flag.names.end());
      }
      suggestion_ = did_you_mean(word.substr(0, word.find('=')), names);
      return;
    }
    // `-rm` is `-r -m`.
    while (match.argument && match.flag->takes == Takes::kNothing) {
      if (match.name.starts_with("--") || match.argument->empty()) {
        throw UsageError{fmt::format("argument {}: ignored explicit argument '{}'",
                                     joined_names(*match.flag), *match.argument)};
      }
      match.flag->set(result_, "");
      const std::string next = "-" + match.argument->substr(0, 1);
      const CommandFlag* flag = find_exact(next);
      if (!flag) {
        throw UsageError{fmt::format("argument {}: ignored explicit argument '{}'",
                                     joined_names(*match.flag), *match.argument)};
      }
      const std::string rest = match.argument->substr(1);
      match = {flag, next, rest.empty() ? std::nullopt : std::optional(rest)};
    }
    set(*match.flag, match.argument);
  }

  void set(const CommandFlag& flag, std::optional<std::string> argument) {
    if (flag.takes == Takes::kNothing) return flag.set(result_, "");
    if (!argument && at_ < words_.size() && words_[at_] != "--" && !is_flag(words_[at_])) {
      argument = words_[at_++];
    }
    if (!argument) {
      if (flag.takes == Takes::kMaybeValue) return flag.set(result_, flag.choices[0]);
      throw UsageError{"argument " + joined_names(flag) + ": expected one argument"};
    }
    const auto& choices = flag.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), *argument) == choices.end()) {
      std::string names;
      for (const std::string& choice : choices) {
        names += (names.empty() ? "'" : ", '") + choice + "'";
      }
      throw UsageError{fmt::format("argument {}: invalid choice: '{}' (choose from {}){}",
                                   joined_names(flag), *argument, names,
                                   did_you_mean(*argument, choices))};
    }
    flag.set(result_, *argument);
  }

  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  bool only_overrides_ = false;
  std::string unknown_, suggestion_;
  Arguments result_;
};

}  // namespace

Arguments parse_arguments(const std::vector<std::string>& words) { return Reader(words).run(); }

std::string flags_help(const std::string& completion) {
  std::string text;
  for (const CommandFlag& flag : flags()) {
    std::string names;
    for (const std::string& name : flag.names) names += (names.empty() ? "" : ",") + name;
    text += names + " : " + flag.help;
    if (flag.names[0] == "--shell-completion") text += "\n" + completion;
    text += "\n";
  }
  return text +
         "Overrides : Any key=value arguments to override config values (use dots "
         "for.nested=overrides)";
}

std::string usage_line(const std::string& program) {
  std::string text = "usage: " + program;
  for (const CommandFlag& flag : flags()) {
    std::string value;
    if (flag.takes != Takes::kNothing) {
      std::string name = flag.names[0].substr(2);
      for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
      value = flag.takes == Takes::kValue ? " " + name : " [" + name + "]";
    }
    text += " [" + flag.names[0] + value + "]";
  }
  return text + " [overrides ...]";
}

}  // namespace iolaus::config
