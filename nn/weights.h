// Weights from files of other programs: safetensors and torch.save, told apart by their content.
#pragma once

#include <map>
#include <string>

#include "core/tensor.h"

namespace iolaus::nn {

/// Parameters and buffers by name, on the CPU, for Module::load_state_dict. Of a training
/// checkpoint (Lightning's .ckpt and the like) it is what lies under 'state_dict',
/// 'model_state_dict' or 'model'. Names that all begin with 'module.' (DistributedDataParallel)
/// lose that. With a prefix
/// ("model."): only the names that begin with it, without it.
/// Errors: those of io::SafetensorsFile and io::TorchFile; kCorrupt where the file is neither;
/// kNotFound, with a name that is there, where no tensor is left.
std::map<std::string, Tensor> load_weights(const std::string& path, const std::string& prefix = "");

}  // namespace iolaus::nn
