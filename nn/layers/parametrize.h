// Weights that are computed from other parameters before each call of a layer, with the names of
// torch.nn.utils.parametrizations.
#pragma once

#include "nn/module.h"

namespace iolaus::nn {

/// weight = g v / |v|, norms over all dimensions but dim (over all where dim is -1). In state_dict:
/// parametrizations.<name>.original0 (g) and original1 (v). (Salimans and Kingma 2016)
void weight_norm(Module& module, const std::string& name = "weight", int64_t dim = 0);

struct SpectralNormOptions {
  int64_t n_power_iterations = 1;  // for each call while training
  double eps = 1e-12;
  int64_t dim = 0;  // the rows of the matrix; transposed convolutions have their outputs at 1
};
/// weight = w / sigma(w), the largest singular value as a power iteration estimates it. In
/// state_dict: parametrizations.<name>.original, ....0._u and ....0._v. (Miyato et al. 2018)
void spectral_norm(Module& module, const std::string& name = "weight",
                   const SpectralNormOptions& options = {});

}  // namespace iolaus::nn
