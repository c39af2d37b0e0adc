// Steps of recurrent layers, as PyTorch defines them.
#include "nn/layers/rnn_steps.h"

namespace iolaus::nn {

int64_t gate_count(RecurrentKind kind) {
  if (kind == RecurrentKind::kLstm) return 4;
  return kind == RecurrentKind::kGru ? 3 : 1;
}

RecurrentState recurrent_step(RecurrentKind kind, const Tensor& input, const RecurrentState& state,
                              const RecurrentWeights& weights) {
  const Tensor from_hidden = linear(state.hidden, weights.hidden, weights.bias);
  switch (kind) {
    case RecurrentKind::kRnnTanh:
      return {tanh(input + from_hidden), {}};
    case RecurrentKind::kRnnRelu:
      return {relu(input + from_hidden), {}};
    case RecurrentKind::kLstm: {
      const Tensors gates = chunk(input + from_hidden, 4, 1);
      const Tensor cell = sigmoid(gates[1]) * state.cell + sigmoid(gates[0]) * tanh(gates[2]);
      const Tensor hidden = sigmoid(gates[3]) * tanh(cell);
      return {weights.project.defined() ? linear(hidden, weights.project) : hidden, cell};
    }
    case RecurrentKind::kGru: {
      // The reset gate acts on what comes from the hidden state, bias included, as in cuDNN.
      const Tensors in = chunk(input, 3, 1), own = chunk(from_hidden, 3, 1);
      const Tensor reset = sigmoid(in[0] + own[0]), update = sigmoid(in[1] + own[1]);
      const Tensor fresh = tanh(in[2] + reset * own[2]);
      return {fresh + update * (state.hidden - fresh), {}};
    }
  }
  fail(ErrorCode::kInternal, "[rnn] unknown kind");
}

}  // namespace iolaus::nn
