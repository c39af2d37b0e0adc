// One step in time of each recurrent layer, shared by the layers and the cells.
#pragma once

#include "autograd/ops.h"

namespace iolaus::nn {

enum class RecurrentKind { kRnnTanh, kRnnRelu, kLstm, kGru };

/// Rows of the weights for each hidden element: 1, 4 (input, forget, cell, output gate) or 3
/// (reset, update, new).
int64_t gate_count(RecurrentKind kind);

struct RecurrentState {
  Tensor hidden;  // (N, H), or (N, P) with a projection
  Tensor cell;    // (N, H), LSTM only
};

struct RecurrentWeights {
  Tensor hidden;   // (gates H, H)
  Tensor bias;     // (gates H), or undefined
  Tensor project;  // (P, H), LSTM with a projection only
};

/// input: (N, gates H), what came in times its weight, plus its bias.
RecurrentState recurrent_step(RecurrentKind kind, const Tensor& input, const RecurrentState& state,
                              const RecurrentWeights& weights);

}  // namespace iolaus::nn
