// Inside of nn/run: the parts of an experiment from its config.
#pragma once

#include <memory>

#include "config/node.h"
#include "nn/trainer/trainer.h"

namespace iolaus::nn::detail {

/// The resolved value at a path, or null where there is none or it is null.
config::NodeRef value_at(const config::Node& cfg, const char* path);

std::shared_ptr<data::DataModule> make_data(const config::Node& cfg);
/// A LightningModule as it is; another module with loss, optimizer and scheduler around it. With
/// trained = false nothing is said about a missing optimizer.
std::shared_ptr<LightningModule> make_module(const config::Node& cfg, bool trained);
/// Callbacks and loggers from `callbacks` and `logger`; a CSV logger in output_dir where the config
/// has no `logger`.
std::shared_ptr<Trainer> make_trainer(const config::Node& cfg, const std::string& output_dir);
/// A trainer that only tests.
std::shared_ptr<Trainer> make_tester(const config::Node& cfg);

}  // namespace iolaus::nn::detail
