// What the metrics' registrations share.
#pragma once

#include "config/instantiate.h"
#include "nn/metrics/scores.h"

namespace iolaus::nn::metric_target {

using P = config::ParamType;
using config::Args;

/// "Accuracy" -> iolaus.metrics.Accuracy, torchmetrics.Accuracy.
std::vector<std::string> names(const std::string& type);
/// task, threshold, num_classes, num_labels, average (with its default), top_k, ignore_index.
std::vector<config::Param> classification_params(const char* average);
ScoreOptions classification_options(const Args& a);

}  // namespace iolaus::nn::metric_target
