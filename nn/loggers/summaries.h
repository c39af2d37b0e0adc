// Summaries: what TensorBoard shows, as messages (tensorboard/compat/proto/summary.proto and
// plugins/hparams/*.proto), the same that torch.utils.tensorboard writes.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/node.h"
#include "core/tensor.h"
#include "nn/loggers/protobuf.h"

namespace iolaus::nn {

Proto scalar_summary(const std::string& tag, double value);
/// Shown as Markdown.
Proto text_summary(const std::string& tag, const std::string& text);
/// (C, H, W), C 1 (grey), 3 (RGB) or 4 (RGBA): uint8, or floats in [0, 1], beyond that clipped.
/// Errors: kInvalidArgument.
Proto image_summary(const std::string& tag, const Tensor& image);
/// Counts of values in bins that grow by a tenth from 1e-12 to 1e20 on both sides of 0. Errors:
/// kInvalidArgument where no value falls into a bin (none at all, or none that is finite).
Proto histogram_summary(const std::string& tag, std::vector<double> values);

/// A config as one level, as Lightning flattens it: {"model/layers/0/width": 64, ...}. Numbers and
/// bools are numbers, all else is text as Python prints it; empty dicts and lists vanish.
using HParams = std::vector<std::pair<std::string, std::variant<double, std::string>>>;
HParams flatten_hparams(const config::Node& config);

/// For the page of hyperparameters: which there are, and the metrics beside them.
Proto hparams_experiment(const HParams& hparams, const std::vector<std::string>& metrics);
/// The values of this run; times in seconds since 1970, 0 for none.
Proto hparams_start(const HParams& hparams, double start_time);
Proto hparams_end(bool success, double end_time);

}  // namespace iolaus::nn
