// From a composed config to an experiment: what `train` and `eval` share.
#pragma once

#include <string>

#include "config/node.h"
#include "nn/trainer/trainer.h"

namespace iolaus {

/// The folder of the shipped config tree: IOLAUS_CONF in the environment, else beside the program
/// (build tree or installation).
std::string conf_dir();

/// Seeds the generator, sets threads and kernel variants; returns the device. Errors: kConfig,
/// kDevice, kNotFound and kUnsupported, as select_kernel.
Device set_up(const config::Node& cfg);

/// model, loss and data of a config; the model on the device, the data not read yet.
nn::Experiment make_experiment(const config::Node& cfg, Device device);
/// Adds optimizer and scheduler.
void add_optimizer(const config::Node& cfg, nn::Experiment& experiment);
nn::TrainerOptions trainer_options(const config::Node& trainer);

/// "test/acc: 0.9134", one a line, on stdout.
void print_metrics(const nn::Metrics& metrics, const std::string& prefix);

}  // namespace iolaus
