// run_job: directory -> chdir -> logging -> .hydra files -> environment -> task -> callbacks.
#include "config/job.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "config/callbacks.h"
#include "config/interpolation.h"
#include "config/logging.h"
#include "config/paths.h"
#include "config/update.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

const Node* the_config = nullptr;

class CurrentConfig {
 public:
  explicit CurrentConfig(const Node* config) : before_(the_config) { set_current_config(config); }
  ~CurrentConfig() { set_current_config(before_); }
  CurrentConfig(const CurrentConfig&) = delete;
  CurrentConfig& operator=(const CurrentConfig&) = delete;

 private:
  const Node* before_;
};

class WorkingDirectory {
 public:
  WorkingDirectory() : before_(current_path()) {}
  ~WorkingDirectory() {
    if (moved_ && ::chdir(before_.c_str()) != 0) {
      std::fprintf(stderr, "[run] cannot go back to %s\n", before_.c_str());
    }
  }
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;

  void enter(const std::string& path) {
    if (::chdir(path.c_str()) != 0) fail(ErrorCode::kIo, "[run] cannot change to {}", path);
    moved_ = true;
  }

 private:
  std::string before_;
  bool moved_ = false;
};

// Variables of hydra.job.env_set, put back as they were afterwards.
class Environment {
 public:
  explicit Environment(const Node& variables) {
    for (const Node& variable : variables) {
      const std::string name = variable.key().text();
      const char* old = std::getenv(name.c_str());
      before_.emplace_back(name, old ? std::optional<std::string>(old) : std::nullopt);
      ::setenv(name.c_str(), variable.str().c_str(), 1);
    }
  }
  ~Environment() {
    for (const auto& [name, value] : before_) {
      value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

std::string selected_text(const Node& config, const std::string& path) {
  const NodeRef value = select(config, path, {.throw_on_missing = true});
  if (!value) fail(ErrorCode::kConfig, "Missing mandatory value: {}", path);
  return value->str();
}

// Makes the output directory. A name made of the time is not used twice: two runs that start in
// the same second get two directories.
std::string make_output_directory(const Node& config, const JobPlace& place) {
  std::string path = selected_text(config, place.dir_key);
  const Node* written = find_path(config, place.dir_key);
  const bool timed = written && written->is_string() && !place.subdir_key &&
                     written->as_string().find("${now:") != std::string::npos;
  if (place.subdir_key) path = join_path(path, selected_text(config, *place.subdir_key));
  if (timed) {
    path = make_new_directory(path);
  } else {
    make_directories(path);
  }
  path = absolute_path(path);
  claim_directory(path);
  return path;
}

void save_configs(const JobReturn& job, const Node& hydra) {
  const Node& subdir = hydra.at(Key("output_subdir"));
  if (subdir.is_null()) return;
  const std::string directory = join_path(job.output_dir, resolve(subdir)->str());
  make_directories(directory);
  write_text(join_path(directory, "config.yaml"), to_yaml(job.cfg));
  write_text(join_path(directory, "hydra.yaml"), to_yaml(job.hydra_cfg));
  write_text(join_path(directory, "overrides.yaml"),
             to_yaml(hydra.at(Key("overrides")).at(Key("task"))));
}

void run_task(JobReturn& job, const Task& task, const JobContext& context) {
  const auto begin = std::chrono::steady_clock::now();
  job.status = JobReturn::Status::kFailed;
  try {
    job.metric = task(job.cfg, context).metric;
    job.status = JobReturn::Status::kCompleted;
  } catch (const std::exception& error) {
    job.error = error.what();
  } catch (...) {
    job.error = "an exception that is not a std::exception";
  }
  job.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

void set_current_config(const Node* config) {
  // The tree outlives its use; the pointer does not own it.
  const Node* hydra = config ? config->find(Key("hydra")) : nullptr;
  set_hydra_config(std::shared_ptr<const Node>(std::shared_ptr<void>(), hydra));
  the_config = config;
}

JobReturn run_job(Node& config, const Task& task, const JobPlace& place, Callbacks& callbacks) {
  const CurrentConfig current(&config);
  Node& hydra = config.at(Key("hydra"));
  JobReturn job;
  job.output_dir = make_output_directory(config, place);
  hydra.at(Key("runtime")).set(Key("output_dir"), Node(job.output_dir));
  job.hydra_cfg = Node::dict();
  job.hydra_cfg.set(Key("hydra"), hydra);
  job.cfg = config;
  job.cfg.erase(Key("hydra"));
  job.name = selected_text(config, "hydra.job.name");
  const Node* num = hydra.at(Key("job")).find(Key("num"));
  if (num && num->is_int()) job.num = static_cast<int>(num->as_int());
  for (const Node& line : hydra.at(Key("overrides")).at(Key("task"))) {
    job.overrides.push_back(line.str());
  }
  WorkingDirectory directory;
  const NodeRef chdir = select(config, "hydra.job.chdir");
  if (chdir && chdir->is_bool() && chdir->as_bool()) directory.enter(job.output_dir);
  job.working_dir = current_path();
  if (const NodeRef logging = select(config, "hydra.job_logging")) {
    configure_logging(*logging, *resolve(hydra.at(Key("verbose"))), job.name);
  }
  save_configs(job, hydra);
  const Environment environment(to_resolved(hydra.at(Key("job")).at(Key("env_set"))));
  callbacks.on_job_start(config);
  run_task(job, task,
           {.config = config, .output_dir = job.output_dir, .name = job.name, .num = job.num});
  flush_logs();
  callbacks.on_job_end(config, job);
  return job;
}

void raise_failure(const JobReturn& job) {
  if (job.status != JobReturn::Status::kFailed) return;
  Node overrides = Node::list();
  for (const std::string& line : job.overrides) overrides.append(Node(line));
  std::fprintf(stderr, "Error executing job with overrides: %s\n", overrides.str().c_str());
  fail(ErrorCode::kConfig, "{}", job.error);
}

}  // namespace iolaus::config
