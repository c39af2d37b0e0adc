// Inside of checkpoints: their JSON part.
#pragma once

#include <string>

#include "nn/trainer/checkpoint.h"

namespace iolaus::nn::detail {

std::string state_text(const Checkpoint& checkpoint);
/// Errors: kCorrupt, kUnsupported for another format's version.
void read_state(const std::string& path, Checkpoint& checkpoint);

}  // namespace iolaus::nn::detail
