// The `hydra/*` groups that come with the program, as YAML. Keys, values and templates are what
// Hydra 1.3 users find there (their configs and scripts rely on them); `colorlog` is what the
// hydra-colorlog plugin adds.
#include "config/builtin.h"

namespace iolaus::config {
namespace {

constexpr std::string_view kOutput = R"(# @package hydra

run:
  dir: outputs/${now:%Y-%m-%d}/${now:%H-%M-%S}
sweep:
  dir: multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}
  subdir: ${hydra.job.num}
)";

constexpr std::string_view kHelp = R"(app_name: ${hydra.job.name}
header: |
  ${hydra.help.app_name} is powered by Hydra.
footer: |
  Powered by Hydra (https://hydra.cc)
  Use --hydra-help to view Hydra specific help
template: |
  ${hydra.help.header}
  == Configuration groups ==
  Compose your configuration from those groups (group=option)

  $APP_CONFIG_GROUPS

  == Config ==
  Override anything in the config (foo.bar=value)

  $CONFIG

  ${hydra.help.footer}
)";

constexpr std::string_view kHydraHelp = R"(template: |
  Hydra (${hydra.runtime.version})
  See https://hydra.cc for more info.

  == Flags ==
  $FLAGS_HELP

  == Configuration groups ==
  Compose your configuration from those groups (For example, append )"
                                        R"(hydra/job_logging=disabled to command line)

  $HYDRA_CONFIG_GROUPS

  Use '--cfg hydra' to Show the Hydra config.
)";

constexpr std::string_view kHydraLogging = R"(version: 1
formatters:
  simple:
    format: '[%(asctime)s][HYDRA] %(message)s'
handlers:
  console:
    class: logging.StreamHandler
    formatter: simple
    stream: ext://sys.stdout
root:
  level: INFO
  handlers:
  - console
loggers:
  logging_example:
    level: DEBUG
disable_existing_loggers: false
)";

constexpr std::string_view kHydraLoggingDebug = R"(version: 1
formatters:
  simple:
    format: '[%(asctime)s][%(name)s][%(levelname)s] - %(message)s'
handlers:
  file:
    class: logging.FileHandler
    mode: w
    formatter: simple
    filename: hydra-${hydra.job.name}.log
    delay: true
root:
  level: ERROR
  handlers:
  - file
loggers:
  hydra:
    level: DEBUG
disable_existing_loggers: false
)";

constexpr std::string_view kHydraLoggingColor = R"(# @package hydra.hydra_logging
version: 1
formatters:
  colorlog:
    (): colorlog.ColoredFormatter
    format: '[%(cyan)s%(asctime)s%(reset)s][%(purple)sHYDRA%(reset)s] %(message)s'
handlers:
  console:
    class: logging.StreamHandler
    formatter: colorlog
    stream: ext://sys.stdout
root:
  level: INFO
  handlers:
  - console
disable_existing_loggers: false
)";

constexpr std::string_view kJobLogging = R"(version: 1
formatters:
  simple:
    format: '[%(asctime)s][%(name)s][%(levelname)s] - %(message)s'
handlers:
  console:
    class: logging.StreamHandler
    formatter: simple
    stream: ext://sys.stdout
  file:
    class: logging.FileHandler
    formatter: simple
    filename: ${hydra.runtime.output_dir}/${hydra.job.name}.log
root:
  level: INFO
  handlers:
  - console
  - file
disable_existing_loggers: false
)";

constexpr std::string_view kJobLoggingStdout = R"(version: 1
formatters:
  simple:
    format: '%(message)s'
handlers:
  console:
    class: logging.StreamHandler
    formatter: simple
    stream: ext://sys.stdout
root:
  level: INFO
  handlers:
  - console
disable_existing_loggers: false
)";

constexpr std::string_view kJobLoggingColor =
    R"(# @package hydra.job_logging
version: 1
formatters:
  simple:
    format: '[%(asctime)s][%(name)s][%(levelname)s] - %(message)s'
  colorlog:
    (): colorlog.ColoredFormatter
    format: '[%(cyan)s%(asctime)s%(reset)s][%(blue)s%(name)s%(reset)s])"
    R"([%(log_color)s%(levelname)s%(reset)s] - %(message)s'
    log_colors:
      DEBUG: purple
      INFO: green
      WARNING: yellow
      ERROR: red
      CRITICAL: red
handlers:
  console:
    class: logging.StreamHandler
    formatter: colorlog
    stream: ext://sys.stdout
  file:
    class: logging.FileHandler
    formatter: simple
    filename: ${hydra.runtime.output_dir}/${hydra.job.name}.log
root:
  level: INFO
  handlers:
  - console
  - file
disable_existing_loggers: false
)";

constexpr std::string_view kLoggingNone = R"(version: 1
root: null
disable_existing_loggers: false
)";

constexpr std::string_view kLoggingDisabled = R"(version: 1
root:
  level: ERROR
disable_existing_loggers: true
)";

}  // namespace

const std::vector<BuiltinText>& builtin_texts() {
  static const std::vector<BuiltinText> texts = {
      {"hydra/env/default", ""},
      {"hydra/help/default", kHelp},
      {"hydra/hydra_help/default", kHydraHelp},
      {"hydra/hydra_logging/colorlog", kHydraLoggingColor},
      {"hydra/hydra_logging/default", kHydraLogging},
      {"hydra/hydra_logging/disabled", kLoggingDisabled},
      {"hydra/hydra_logging/hydra_debug", kHydraLoggingDebug},
      {"hydra/hydra_logging/none", kLoggingNone},
      {"hydra/job_logging/colorlog", kJobLoggingColor},
      {"hydra/job_logging/default", kJobLogging},
      {"hydra/job_logging/disabled", kLoggingDisabled},
      {"hydra/job_logging/none", kLoggingNone},
      {"hydra/job_logging/stdout", kJobLoggingStdout},
      {"hydra/output/default", kOutput},
  };
  return texts;
}

}  // namespace iolaus::config
