// iolaus compose: the generic application of the config library. Its task prints the config.
#include <cstdio>

#include "apps/commands.h"
#include "config/app.h"
#include "config/yaml.h"

namespace iolaus {

int compose_main(int argc, char** argv) {
  return config::main(argc, argv, {.name = "compose", .command = "iolaus compose"},
                      [](const config::Node& cfg, const config::JobContext&) {
                        std::printf("%s\n", config::to_yaml(cfg).c_str());
                        return config::TaskResult();
                      });
}

}  // namespace iolaus
