// iolaus train: composes an experiment, trains it and tests it (nn/run).
#include "apps/commands.h"
#include "apps/conf_dir.h"
#include "nn/run/run.h"

namespace iolaus {

int train_main(int argc, char** argv) {
  return nn::train_main(argc, argv,
                        {.name = "train",
                         .config_dir = conf_dir(),
                         .config_name = "train",
                         .command = "iolaus train"});
}

}  // namespace iolaus
