// iolaus eval: the test metrics of a saved model, rebuilt from the config in its checkpoint.
#include "apps/commands.h"
#include "apps/conf_dir.h"
#include "nn/run/run.h"

namespace iolaus {

int eval_main(int argc, char** argv) {
  return config::main(
      argc, argv,
      {.name = "eval", .config_dir = conf_dir(), .config_name = "eval", .command = "iolaus eval"},
      nn::evaluate);
}

}  // namespace iolaus
