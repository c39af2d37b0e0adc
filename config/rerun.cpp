// Reads config.yaml and hydra.yaml of a run; its directory, logging and environment apply again.
#include "config/rerun.h"

#include "config/callbacks.h"
#include "config/interpolation.h"
#include "config/job.h"
#include "config/logging.h"
#include "config/paths.h"
#include "config/warning.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

// The folder that holds config.yaml.
std::string saved_folder(const std::string& path) {
  // A user of Hydra names .hydra/config.pickle, which is not written here.
  const std::string above = absolute_path(path + "/..");
  if (is_file(path) || (path.ends_with("config.pickle") && is_directory(above))) return above;
  if (!is_directory(path)) fail(ErrorCode::kNotFound, "File {} does not exist!", path);
  for (const std::string& folder : {path, join_path(path, ".hydra")}) {
    if (is_file(join_path(folder, "config.yaml"))) return folder;
  }
  fail(ErrorCode::kNotFound, "[rerun] expected config.yaml and hydra.yaml in {} or {}/.hydra", path,
       path);
}

}  // namespace

int rerun(const std::string& path, const Arguments& arguments, const Task& task) {
  warn_once("Experimental rerun CLI option, other command line args are ignored.");
  const std::string folder = saved_folder(path);
  if (!arguments.overrides.empty()) warn_once("Config overrides are not supported as of now.");
  const Node job = load_file(join_path(folder, "config.yaml"));
  const Node hydra = load_file(join_path(folder, "hydra.yaml"));
  Node config = job.is_dict() ? job : Node::dict();
  config.set(Key("hydra"), hydra.at(Key("hydra")));
  config.set_flag(Flag::kStruct, true);
  set_current_config(&config);
  const std::string name = select(config, "hydra.job.name")->str();
  if (const NodeRef logging = select(config, "hydra.job_logging")) {
    configure_logging(*logging, *select(config, "hydra.verbose"), name);
  }
  Node task_config = config;
  task_config.erase(Key("hydra"));
  const NodeRef output = select(config, "hydra.runtime.output_dir");
  JobContext context{.config = config, .output_dir = output ? output->str() : "", .name = name};
  task(task_config, context);
  flush_logs();
  return 0;
}

}  // namespace iolaus::config
