// From a composed config to a trained model: the task behind `iolaus train` and `iolaus eval`, and
// behind programs of your own (apps/examples). The config has what Hydra templates for Lightning
// have:
//
//   datamodule (or data)   a DataModule
//   model                  a LightningModule; or a Module, with `loss`, `optimizer`, `scheduler`
//   trainer, callbacks, logger
//   weights                a .safetensors or .pth file to begin with
//   seed, ckpt_path, train, test, optimized_metric; threads, kernels
#pragma once

#include <memory>
#include <string>

#include "config/app.h"
#include "nn/trainer/trainer.h"

namespace iolaus::nn {

/// Seeds the generator, sets threads, warnings and kernel variants. Errors: kConfig, kNotFound and
/// kUnsupported, as select_kernel.
void set_up(const config::Node& cfg);

/// Trains and tests. Leaves what loggers and callbacks write, and kernels.json (which variants
/// ran), in the job's output folder; prints the test metrics. Returns optimized_metric, else
/// test/acc where there is one.
config::TaskResult train(const config::Node& cfg, const config::JobContext& job);

/// Tests a saved model, rebuilt from the config in its checkpoint: cfg has ckpt_path, device,
/// threads, and `override`, merged over that config.
config::TaskResult evaluate(const config::Node& cfg, const config::JobContext& job);

/// config::main with train; the exit status of a run that a signal ended is
/// interrupted_exit_status(), that of one whose GPU failed kDeviceFailureExit.
int train_main(int argc, char** argv, const config::AppOptions& options);

}  // namespace iolaus::nn
