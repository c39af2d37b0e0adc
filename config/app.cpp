// config::main: flags -> session -> what was asked for.
#include "config/app.h"

#include <cstdio>
#include <exception>

#include "config/callbacks.h"
#include "config/check.h"
#include "config/interpolation.h"
#include "config/job.h"
#include "config/paths.h"
#include "config/rerun.h"
#include "config/show.h"
#include "config/sweep.h"
#include "config/warning.h"

namespace iolaus::config {
namespace {

std::optional<std::string> config_directory(const Arguments& arguments, const AppOptions& options) {
  if (!arguments.config_path) return options.config_dir;
  const std::string& path = *arguments.config_path;
  if (path.ends_with(".yaml") || path.ends_with(".yml")) {
    fail(ErrorCode::kConfig,
         "Using config_path to specify the config name is not supported, specify the config name "
         "via config_name.\n"
         "See https://hydra.cc/docs/1.2/upgrades/0.11_to_1.0/config_path_changes");
  }
  if (path.starts_with('/') || path.find("://") != std::string::npos) return path;
  return absolute_path(path);
}

std::optional<std::string> extra_directory(const Arguments& arguments) {
  if (!arguments.config_dir) return std::nullopt;
  const std::string path = absolute_path(*arguments.config_dir);
  if (!is_directory(path)) {
    fail(ErrorCode::kConfig, "Additional config directory '{}' not found", path);
  }
  return path;
}

void set_mode(Composition& composition, const char* mode) {
  Node& hydra = composition.config.at(Key("hydra"));
  hydra.set(Key("mode"), Node(mode));
  hydra.at(Key("overrides")).at(Key("hydra")).append(Node(std::string("hydra.mode=") + mode));
}

std::string mode_of(const Composition& composition) {
  const Node& mode = composition.config.at(Key("hydra")).at(Key("mode"));
  return mode.is_string() ? mode.as_string() : "";
}

int run_once(const Task& task, Composition composition) {
  Node& config = composition.config;
  set_current_config(&config);
  configure_hydra_logging(config);
  Callbacks callbacks(config);
  callbacks.on_run_start(config);
  const JobReturn job = run_job(config, task, {}, callbacks);
  callbacks.on_run_end(config, job);
  raise_failure(job);
  return 0;
}

int run_multi(Session& session, const Task& task, Composition composition) {
  if (mode_of(composition) == "RUN") {
    warn_once("\n\tRunning Hydra app with --multirun, overriding with `hydra.mode=MULTIRUN`.");
  }
  if (mode_of(composition) != "MULTIRUN") set_mode(composition, "MULTIRUN");
  return multirun(session, task, std::move(composition));
}

// The config itself may ask for a sweep (hydra.mode: MULTIRUN), which is known once it is composed;
// and what only a sweep may hold (x=1,2) does not compose as a single run.
int run_or_sweep(Session& session, const Task& task) {
  const Arguments& arguments = session.arguments;
  const auto compose = [&](RunMode mode, bool check_sweeps) {
    return session.composer.compose(session.config_name, arguments.overrides,
                                    {.mode = mode, .check_sweeps = check_sweeps});
  };
  Composition composition;
  if (arguments.multirun) {
    composition = compose(RunMode::kMultirun, true);
    warn_once(composition.warnings);
    return run_multi(session, task, std::move(composition));
  }
  try {
    composition = compose(RunMode::kRun, true);
  } catch (const Error&) {
    bool sweeps = false;
    try {
      sweeps = mode_of(compose(RunMode::kMultirun, false)) == "MULTIRUN";
    } catch (const Error&) {
      // The first error is the one to show.
    }
    if (!sweeps) throw;
  }
  if (composition.config.is_null() || mode_of(composition) == "MULTIRUN") {
    composition = compose(RunMode::kMultirun, true);
    warn_once(composition.warnings);
    return run_multi(session, task, std::move(composition));
  }
  warn_once(composition.warnings);
  if (mode_of(composition).empty()) set_mode(composition, "RUN");
  set_current_config(&composition.config);
  session.composer.check_schemas(composition, session.config_name);
  return run_once(task, std::move(composition));
}

int dispatch(Session& session, const Task& task) {
  const Arguments& arguments = session.arguments;
  if (arguments.help) return show_app_help(session);
  if (arguments.resolve && !arguments.cfg) {
    fail(ErrorCode::kConfig,
         "The --resolve flag can only be used in conjunction with --cfg or --help");
  }
  if (arguments.hydra_help) return show_hydra_help(session);
  const int commands = arguments.run + arguments.cfg.has_value() + arguments.multirun +
                       arguments.shell_completion + arguments.info.has_value();
  if (commands > 1) {
    fail(ErrorCode::kConfig,
         "Only one of --run, --multirun, --cfg, --info and --shell_completion can be specified");
  }
  if (arguments.diff) return show_diff(session);
  if (arguments.check) return check_config(session);
  if (arguments.cfg) return show_config(session);
  if (arguments.shell_completion) return shell_completion(session);
  if (arguments.info) return show_info(session);
  return run_or_sweep(session, task);
}

int run(const Arguments& arguments, const AppOptions& options, const std::string& program,
        const Task& task) {
  for (const std::string& file : arguments.env_files) load_env_file(file);
  if (arguments.rerun) return rerun(*arguments.rerun, arguments, task);
  Composer composer(composer_settings(arguments, options));
  Session session{options, arguments, composer,
                  arguments.config_name ? arguments.config_name : options.config_name, program};
  return dispatch(session, task);
}

}  // namespace

ComposerSettings composer_settings(const Arguments& arguments, const AppOptions& options) {
  return {.job_name = options.name,
          .version_base = arguments.version_base.value_or(options.version_base),
          .config_dir = config_directory(arguments, options),
          .extra_config_dir = extra_directory(arguments)};
}

int main(int argc, char** argv, const AppOptions& options, const Task& task) {
  const std::string program = !options.command.empty() ? options.command
                              : argc > 0               ? argv[0]
                                                       : options.name;
  try {
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    const Arguments arguments = parse_arguments(words);
    if (arguments.version) {
      std::printf("%s %s (compatible with Hydra 1.3)\n", options.name.c_str(), version());
      return 0;
    }
    const int status = run(arguments, options, program, task);
    std::fflush(stdout);
    return status;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "%s\n%s: error: %s\n", usage_line(program).c_str(), program.c_str(),
                 error.message.c_str());
    return 2;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

}  // namespace iolaus::config
