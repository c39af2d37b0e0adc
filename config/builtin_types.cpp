// The typed part of the `hydra` node: which fields there are, of which type, with which defaults.
#include "config/builtin.h"
#include "config/type.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

using Base = Type::Base;

Type scalar(Base base, bool optional = false) { return {.base = base, .optional = optional}; }

Type record(const char* name, std::vector<Type::Field> fields) {
  return {.base = Base::kClass, .name = name, .fields = std::move(fields)};
}

const Type kAny = {.optional = true};
const Type kString = scalar(Base::kString);
const Type kOptionalString = scalar(Base::kString, true);
const Type kInt = scalar(Base::kInt);
const Type kOptionalInt = scalar(Base::kInt, true);
const Type kFloat = scalar(Base::kFloat);
const Type kOptionalBool = scalar(Base::kBool, true);
const Type kStrings = {.base = Base::kList, .element = &kString};
const Type kStringDict = {.base = Base::kDict, .element = &kString};
const Type kOptionalStringDict = {.base = Base::kDict, .optional = true, .element = &kString};
const Type kAnyDict = {.base = Base::kDict, .element = &kAny};
const Type kMode = {
    .base = Base::kEnum, .optional = true, .name = "RunMode", .choices = {"RUN", "MULTIRUN"}};

const Type kHelpConf = record(
    "HelpConf",
    {{"app_name", &kString}, {"header", &kString}, {"footer", &kString}, {"template", &kString}});
const Type kHydraHelpConf =
    record("HydraHelpConf", {{"hydra_help", &kString}, {"template", &kString}});
const Type kRunDir = record("RunDir", {{"dir", &kString}});
const Type kSweepDir = record("SweepDir", {{"dir", &kString}, {"subdir", &kString}});
const Type kOverridesConf = record("OverridesConf", {{"hydra", &kStrings}, {"task", &kStrings}});
const Type kOverrideDirname = record(
    "OverrideDirname", {{"kv_sep", &kString}, {"item_sep", &kString}, {"exclude_keys", &kStrings}});
const Type kJobConfig = record("JobConfig", {{"override_dirname", &kOverrideDirname}});
const Type kJobConf = record("JobConf", {{"name", &kString},
                                         {"chdir", &kOptionalBool},
                                         {"override_dirname", &kString},
                                         {"id", &kString},
                                         {"num", &kInt},
                                         {"config_name", &kOptionalString},
                                         {"env_set", &kStringDict},
                                         {"env_copy", &kStrings},
                                         {"config", &kJobConfig}});
const Type kConfigSourceInfo =
    record("ConfigSourceInfo", {{"path", &kString}, {"schema", &kString}, {"provider", &kString}});
const Type kConfigSources = {.base = Base::kList, .element = &kConfigSourceInfo};
const Type kRuntimeConf = record("RuntimeConf", {{"version", &kString},
                                                 {"version_base", &kString},
                                                 {"cwd", &kString},
                                                 {"config_sources", &kConfigSources},
                                                 {"output_dir", &kString},
                                                 {"choices", &kAnyDict}});
const Type kHydraConf = record("HydraConf", {{"mode", &kMode},
                                             {"searchpath", &kStrings},
                                             {"run", &kRunDir},
                                             {"sweep", &kSweepDir},
                                             {"hydra_logging", &kAnyDict},
                                             {"job_logging", &kAnyDict},
                                             {"sweeper", &kAny},
                                             {"launcher", &kAny},
                                             {"callbacks", &kAnyDict},
                                             {"help", &kHelpConf},
                                             {"hydra_help", &kHydraHelpConf},
                                             {"output_subdir", &kOptionalString},
                                             {"overrides", &kOverridesConf},
                                             {"job", &kJobConf},
                                             {"runtime", &kRuntimeConf},
                                             {"verbose", &kAny}});

const Type kBasicLauncher = record("BasicLauncherConf", {{"_target_", &kString}});
const Type kBasicSweeper = record(
    "BasicSweeperConf",
    {{"_target_", &kString}, {"max_batch_size", &kOptionalInt}, {"params", &kOptionalStringDict}});

const Type kFailurePolicy = {
    .base = Base::kEnum, .name = "FailurePolicy", .choices = {"stop", "continue"}};
const Type kLocalLauncher = record("LocalLauncherConf", {{"_target_", &kString},
                                                         {"n_jobs", &kOptionalInt},
                                                         {"gpus", &kAny},
                                                         {"on_failure", &kFailurePolicy},
                                                         {"table", &kOptionalBool}});
const Type kDirection = {
    .base = Base::kEnum, .name = "Direction", .choices = {"minimize", "maximize"}};
const Type kSearchSweeper = record("SearchSweeperConf", {{"_target_", &kString},
                                                         {"direction", &kDirection},
                                                         {"n_trials", &kInt},
                                                         {"n_startup_trials", &kInt},
                                                         {"seed", &kOptionalInt},
                                                         {"max_failure_rate", &kFloat},
                                                         {"params", &kOptionalStringDict}});

constexpr std::string_view kHydraConfigText = R"(
defaults:
- output: default
- launcher: basic
- sweeper: basic
- help: default
- hydra_help: default
- hydra_logging: default
- job_logging: default
- callbacks: null
- env: default
mode: null
searchpath: []
run: {dir: '???'}
sweep: {dir: '???', subdir: '???'}
hydra_logging: '???'
job_logging: '???'
sweeper: '???'
launcher: '???'
callbacks: {}
help: {app_name: '???', header: '???', footer: '???', template: '???'}
hydra_help: {hydra_help: '???', template: '???'}
output_subdir: .hydra
overrides: {hydra: [], task: []}
job:
  name: '???'
  chdir: null
  override_dirname: '???'
  id: '???'
  num: '???'
  config_name: '???'
  env_set: {}
  env_copy: []
  config:
    override_dirname: {kv_sep: '=', item_sep: ',', exclude_keys: []}
runtime:
  version: ???
  version_base: ???
  cwd: ???
  config_sources: ???
  output_dir: ???
  choices: {}
verbose: false
)";

Node typed(std::string_view text, const std::string& path, const Type* type) {
  Node node = load_yaml(text, "structured://" + path);
  // The defaults list is taken out before types are checked.
  Node defaults;
  const bool has_defaults = node.contains(Key("defaults"));
  if (has_defaults) {
    defaults = node.at(Key("defaults"));
    node.erase(Key("defaults"));
  }
  apply_type(node, type);
  if (has_defaults) node.set(Key("defaults"), std::move(defaults));
  return node;
}

}  // namespace

const Type* hydra_type() { return &kHydraConf; }

Node hydra_defaults() { return typed(kHydraConfigText, "hydra/config", &kHydraConf); }

std::vector<std::string> builtin_schema_names() {
  return {"_dummy_empty_config_", "hydra/config",        "hydra/launcher/basic",
          "hydra/launcher/local", "hydra/sweeper/basic", "hydra/sweeper/random",
          "hydra/sweeper/tpe",    "hydra/sweeper/zip"};
}

Node builtin_schema(const std::string& path) {
  if (path == "hydra/config") return hydra_defaults();
  if (path == "hydra/launcher/basic") {
    return typed("_target_: hydra._internal.core_plugins.basic_launcher.BasicLauncher", path,
                 &kBasicLauncher);
  }
  if (path == "hydra/sweeper/basic") {
    return typed(
        "_target_: hydra._internal.core_plugins.basic_sweeper.BasicSweeper\n"
        "max_batch_size: null\nparams: null",
        path, &kBasicSweeper);
  }
  if (path == "hydra/sweeper/zip") {
    return typed("_target_: iolaus.config.ZipSweeper\nmax_batch_size: null\nparams: null", path,
                 &kBasicSweeper);
  }
  if (path == "hydra/launcher/local") {
    return typed(
        "_target_: iolaus.config.LocalLauncher\nn_jobs: null\ngpus: null\n"
        "on_failure: continue\ntable: null",
        path, &kLocalLauncher);
  }
  if (path == "hydra/sweeper/random" || path == "hydra/sweeper/tpe") {
    const bool tpe = path.ends_with("tpe");
    return typed(std::string("_target_: iolaus.config.") + (tpe ? "Tpe" : "Random") +
                     "Sweeper\ndirection: minimize\nn_trials: 20\nn_startup_trials: 10\n"
                     "seed: null\nmax_failure_rate: 0.0\nparams: null",
                 path, &kSearchSweeper);
  }
  return Node::dict();
}

}  // namespace iolaus::config
