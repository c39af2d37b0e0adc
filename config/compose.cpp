// Composer: search path -> overrides -> defaults list -> merge -> struct mode -> overrides -> the
// runtime part of the `hydra` node.
#include "config/compose.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "config/interpolation.h"
#include "config/json_schema.h"
#include "config/merge.h"
#include "config/type.h"
#include "config/update.h"

#ifndef IOLAUS_VERSION
#define IOLAUS_VERSION "0.1.0"
#endif

namespace iolaus::config {
namespace {

const SearchPathElement kSchemaElement = {"schema", "structured://"};

std::string current_directory() {
  char* path = ::getcwd(nullptr, 0);
  const std::string result = path ? path : ".";
  std::free(path);
  return result;
}

// A config at its package, in a fresh root.
Node embedded(const Node& config, const std::string& package) {
  if (package.empty()) return config;
  Node root = Node::dict();
  if (package.find_first_of(".[") == std::string::npos) {
    root.set(Key(package), config);
  } else {
    update(root, package, config, {.merge = false});
  }
  return root;
}

void drop_types(Node& node) {
  node.set_type(nullptr);
  for (Node& child : node) drop_types(child);
}

// Types that a declared config brings stay with what it was merged into.
void adopt_types(Node& into, const Node& from) {
  if (from.type() && from.type()->base != Type::Base::kAny) into.set_type(from.type());
  for (const Node& child : from) {
    Node* target = from.is_dict() ? into.find(child.key()) : nullptr;
    if (target) adopt_types(*target, child);
  }
}

// The values of a declared config meet what is there already untyped: types hold from then on.
void merge_part(Node& config, const Node& part, const LoadedConfig& loaded) {
  if (!loaded.typed) return merge(config, part, loaded.header.lists);
  Node plain = part;
  drop_types(plain);
  merge(config, plain);
  adopt_types(config, part);
}

void check_sweeps(const std::vector<Override>& overrides, const ComposeOptions& options) {
  for (const Override& override : overrides) {
    if (!override.is_sweep()) continue;
    if (options.mode == RunMode::kMultirun) {
      if (override.is_hydra()) {
        fail(ErrorCode::kConfig, "Sweeping over Hydra's configuration is not supported : '{}'",
             override.line);
      }
    } else if (override.value_type == Override::ValueType::kSimpleChoice) {
      const char* quote = options.from_shell ? "\\'" : "'";
      fail(ErrorCode::kConfig,
           "Ambiguous value for argument '{0}'\n"
           "1. To use it as a list, use key=[value1,value2]\n"
           "2. To use it as string, quote the value: key={1}value1,value2{1}\n"
           "3. To sweep over it, add --multirun to your command line",
           override.line, quote);
    } else {
      fail(ErrorCode::kConfig, "Sweep parameters '{}' requires --multirun", override.line);
    }
  }
}

std::vector<std::string> search_path_values(const Node& list) {
  const auto bad = [&] {
    fail(ErrorCode::kConfig, "hydra.searchpath must be a list of strings. Got: {}", list.str());
  };
  if (!list.is_list()) bad();
  std::vector<std::string> paths;
  for (const Node& item : list) {
    const NodeRef value = resolve(item);
    if (!value || !value->is_string()) bad();
    paths.push_back(value->as_string());
  }
  return paths;
}

Mark runtime_mark() {
  static const Mark mark{intern_source("set by the program"), 0, 0};
  return mark;
}

Node marked(Node node) {
  node.set_marks(runtime_mark());
  return node;
}

}  // namespace

const char* version() { return IOLAUS_VERSION; }

std::string override_dirname(const std::vector<std::string>& lines, const std::string& kv_sep,
                             const std::string& item_sep) {
  std::vector<std::string> sorted = lines;
  std::sort(sorted.begin(), sorted.end());
  std::string joined;
  for (std::size_t i = 0; i < sorted.size(); ++i) joined += (i > 0 ? item_sep : "") + sorted[i];
  std::string result;
  for (const char c : joined) {
    if (c == '=') {
      result += kv_sep;
    } else {
      result += c;
    }
  }
  return result;
}

Composer::Composer(ComposerSettings settings) : settings_(std::move(settings)) {
  search_path_.push_back({"hydra", "pkg://hydra.conf"});
  if (settings_.config_dir) search_path_.push_back({"main", *settings_.config_dir});
  if (settings_.extra_config_dir) {
    search_path_.push_back({"command-line", "file://" + *settings_.extra_config_dir});
  }
  for (const SearchPathElement& element : settings_.search_path) search_path_.push_back(element);
  std::vector<SearchPathElement> all = search_path_;
  all.push_back(kSchemaElement);
  base_ = std::make_unique<Repository>(all);
}

OverrideGrammar Composer::grammar() const { return {.hydra_1_4 = settings_.version_base == "1.4"}; }

void Composer::check_main_source() const {
  for (const auto& source : base_->sources()) {
    const SourceInfo& info = source->info();
    if (info.provider != "main" || source->available()) continue;
    if (info.scheme == "pkg") {
      fail(ErrorCode::kConfig,
           "Primary config module '{}' not found.\nCheck that it's correct and contains an "
           "__init__.py file",
           info.path);
    }
    fail(ErrorCode::kConfig,
         "Primary config directory not found.\nCheck that the config directory '{}' exists and "
         "readable",
         info.path);
  }
}

Repository& Composer::repository(const std::optional<std::string>& config_name,
                                 const std::vector<Override>& overrides,
                                 std::vector<std::string>& warnings) {
  const std::shared_ptr<const LoadedConfig> primary =
      config_name ? base_->load(*config_name) : nullptr;
  if (primary && !primary->config.is_dict()) {
    fail(ErrorCode::kConfig, "primary config '{}' must be a DictConfig, got ListConfig\n{}",
         *config_name, primary->origin);
  }
  Node paths;
  std::string provider = "hydra.searchpath in main";
  if (primary) {
    if (const NodeRef found = select(primary->config, "hydra.searchpath"))
      paths = to_resolved(*found);
  }
  for (const Override& override : overrides) {
    if (override.key_element() != "hydra.searchpath") continue;
    if (override.is_sweep()) continue;
    Node value = override.value.to_node();
    if (value.is_null()) break;
    paths = std::move(value);
    provider = "hydra.searchpath in command-line";
    break;
  }
  if (paths.is_null()) return *base_;
  std::vector<SearchPathElement> search_path = search_path_;
  std::string key;
  for (const std::string& path : search_path_values(paths)) {
    search_path.push_back({provider, path});
    key += path + '\n';
  }
  search_path.push_back(kSchemaElement);
  std::unique_ptr<Repository>& made = by_search_path_[provider + '\n' + key];
  if (!made) made = std::make_unique<Repository>(base_->with_search_path(search_path));
  for (const auto& source : made->sources()) {
    if (source->available()) continue;
    warnings.push_back(fmt::format("provider={}, path={} is not available.",
                                   source->info().provider, source->info().path));
  }
  return *made;
}

DefaultsList Composer::defaults_list(const std::optional<std::string>& config_name,
                                     const std::vector<std::string>& lines, RunMode mode) {
  const std::vector<Override> overrides = parse_overrides(lines, grammar());
  std::vector<std::string> warnings;
  Repository& configs = repository(config_name, overrides, warnings);
  DefaultsList list = make_defaults_list(configs, config_name ? &*config_name : nullptr, overrides,
                                         {.skip_missing = mode == RunMode::kMultirun});
  list.warnings.insert(list.warnings.begin(), warnings.begin(), warnings.end());
  return list;
}

Node Composer::merge_all(const DefaultsList& defaults, Repository& configs) const {
  Node config = Node::dict();
  for (const ResultDefault& item : defaults.defaults) {
    const std::shared_ptr<const LoadedConfig> loaded = configs.load(item.config_path);
    Node part = embedded(loaded->config, item.package);
    if (!item.primary && item.config_path != "hydra/config" && part.is_dict()) {
      const NodeRef search_path = select(part, "hydra.searchpath");
      if (search_path && !search_path->is_null()) {
        fail(ErrorCode::kConfig,
             "In '{}': Overriding hydra.searchpath is only supported from the primary config\n{}",
             item.config_path, search_path->mark().text());
      }
    }
    try {
      merge_part(config, part, *loaded);
    } catch (const Error& error) {
      fail(ErrorCode::kConfig, "In '{}': {} raised while composing config:\n{}\nIn {}",
           item.config_path, reference_error_name(error.what()), error.what(), loaded->origin);
    }
  }
  return config;
}

Composition Composer::compose(const std::optional<std::string>& config_name,
                              const std::vector<std::string>& lines, ComposeOptions options) {
  check_main_source();
  Composition result;
  result.overrides = parse_overrides(lines, grammar());
  Repository& configs = repository(config_name, result.overrides, result.warnings);
  if (options.check_sweeps) check_sweeps(result.overrides, options);
  result.defaults =
      make_defaults_list(configs, config_name ? &*config_name : nullptr, result.overrides,
                         {.skip_missing = options.mode == RunMode::kMultirun});
  result.warnings.insert(result.warnings.end(), result.defaults.warnings.begin(),
                         result.defaults.warnings.end());
  result.config = merge_all(result.defaults, configs);
  result.config.set_flag(Flag::kStruct, true);
  result.config.at(Key("hydra")).set_flag(Flag::kReadonly, false);
  apply_overrides(result.config, result.defaults.config_overrides);
  fill_hydra(result, config_name, configs);
  return result;
}

void Composer::check_schemas(const Composition& composition,
                             const std::optional<std::string>& config_name) {
  std::vector<std::string> ignored;
  const std::vector<std::string> problems =
      group_schema_problems(composition, repository(config_name, composition.overrides, ignored));
  if (problems.empty()) return;
  std::string text = "The config does not fit its schema:";
  for (const std::string& problem : problems) text += "\n" + problem;
  fail(ErrorCode::kConfig, "{}", text);
}

void Composer::fill_hydra(Composition& composition, const std::optional<std::string>& config_name,
                          const Repository& configs) const {
  Node& hydra = composition.config.at(Key("hydra"));
  Node& task_lines = hydra.at(Key("overrides")).at(Key("task"));
  Node& hydra_lines = hydra.at(Key("overrides")).at(Key("hydra"));
  for (const Override& override : composition.overrides) {
    (override.is_hydra() ? hydra_lines : task_lines).append(marked(Node(override.line)));
  }
  Node& job = hydra.at(Key("job"));
  Node& runtime = hydra.at(Key("runtime"));
  Node& choices = runtime.at(Key("choices"));
  for (const auto& [group, name] : composition.defaults.choices) {
    choices.set(Key(group), marked(name ? Node(*name) : Node()));
  }
  for (const Node& name : job.at(Key("env_copy"))) {
    const char* value = std::getenv(name.str().c_str());
    if (!value)
      fail(ErrorCode::kConfig, "{}\nhydra.job.env_copy: not in the environment", name.repr());
    job.at(Key("env_set")).set(Key(name.str()), marked(Node(value)));
  }
  runtime.set(Key("version"), marked(Node(version())));
  runtime.set(Key("version_base"), marked(Node(settings_.version_base)));
  runtime.set(Key("cwd"), marked(Node(current_directory())));
  Node sources = Node::list();
  for (const auto& source : configs.sources()) {
    Node entry = Node::dict();
    entry.set(Key("path"), Node(source->info().path));
    entry.set(Key("schema"), Node(source->info().scheme));
    entry.set(Key("provider"), Node(source->info().provider));
    sources.append(std::move(entry));
  }
  runtime.set(Key("config_sources"), marked(std::move(sources)));
  const Node* name = job.find(Key("name"));
  if (!name || name->is_missing()) job.set(Key("name"), marked(Node(settings_.job_name)));
  const Node& form = job.at(Key("config")).at(Key("override_dirname"));
  std::set<std::string> excluded;
  for (const Node& key : form.at(Key("exclude_keys"))) excluded.insert(resolve(key)->str());
  std::vector<std::string> kept;
  for (const Override& override : composition.overrides) {
    if (!override.is_hydra() && !excluded.contains(override.key)) kept.push_back(override.line);
  }
  job.set(Key("override_dirname"),
          marked(Node(override_dirname(kept, resolve(form.at(Key("kv_sep")))->str(),
                                       resolve(form.at(Key("item_sep")))->str()))));
  job.set(Key("config_name"), marked(config_name ? Node(*config_name) : Node()));
}

}  // namespace iolaus::config
