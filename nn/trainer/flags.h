// The trainer's flags before training: their checks, and what they mean on this machine.
#pragma once

#include <optional>

#include "core/device.h"
#include "core/dtype.h"
#include "nn/trainer/trainer_options.h"

namespace iolaus::nn {

/// What parameters are stored in, and in mixed precision what ops are cast to.
struct Precision {
  DType parameters = kFloat32;
  std::optional<DType> autocast = {};
};

/// Errors: kInvalidArgument for flags that make no sense.
void check_flags(const TrainerOptions& options);
/// "32-true" for its older spelling "32", and so on.
std::string full_precision(const std::string& name);
/// Errors: kInvalidArgument for an unknown name.
Precision parse_precision(const std::string& name);
/// The device that an accelerator means. Errors: those of parse_device.
Device choose_device(const TrainerOptions& options);
/// What fast_dev_run means: a few batches of everything, and nothing written.
void make_fast(TrainerOptions& options);

}  // namespace iolaus::nn
