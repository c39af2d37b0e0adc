// Recurrent layers: RNN, LSTM and GRU with several layers and both directions, and their cells.
// Sequences are (T, N, I), (N, T, I) where batch_first, or (T, I). Names are PyTorch's:
// weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, with _reverse for the way back.
#pragma once

#include "nn/layers/rnn_steps.h"
#include "nn/module.h"

namespace iolaus::nn {

struct RecurrentOptions {
  int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;
  double dropout = 0;  // between layers, while training
  bool bidirectional = false;
  int64_t proj_size = 0;  // LSTM only: the hidden state is a projection of this size; 0: none
};

/// What RNN, LSTM and GRU share.
class Recurrent : public Module {
 public:
  Recurrent(RecurrentKind kind, int64_t input_size, int64_t hidden_size,
            const RecurrentOptions& options);
  /// The output alone, (T, N, directions H), from a state of zeros.
  Tensor forward(const Tensor& x) override { return run(x, {}).output; }
  std::string type_name() const override;
  std::string describe() const override;

 protected:
  struct Run {
    Tensor output;
    RecurrentState state;  // (layers directions, N, H) each: after the last step
  };
  /// Undefined states are zeros.
  Run run(const Tensor& x, const RecurrentState& state);

 private:
  struct Direction {
    Tensor input, input_bias;
    RecurrentWeights own;
  };
  void add_direction(int64_t layer, bool reverse);
  void check(const Tensor& x, const RecurrentState& state, bool single) const;
  /// All hidden states (T, N, H) in order of time, and the last state.
  Run run_direction(const Direction& d, const Tensor& x, RecurrentState state, bool reverse) const;

  RecurrentKind kind_;
  int64_t input_, hidden_;
  RecurrentOptions options_;
  std::vector<Direction> directions_;
};

class RNN final : public Recurrent {
 public:
  /// nonlinearity: tanh or relu.
  RNN(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options = {},
      const std::string& nonlinearity = "tanh");
  struct Result {
    Tensor output, hidden;
  };
  using Recurrent::forward;
  Result forward(const Tensor& x, const Tensor& hidden);
};

class GRU final : public Recurrent {
 public:
  GRU(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options = {})
      : Recurrent(RecurrentKind::kGru, input_size, hidden_size, options) {}
  struct Result {
    Tensor output, hidden;
  };
  using Recurrent::forward;
  Result forward(const Tensor& x, const Tensor& hidden);
};

class LSTM final : public Recurrent {
 public:
  LSTM(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options = {})
      : Recurrent(RecurrentKind::kLstm, input_size, hidden_size, options) {}
  struct Result {
    Tensor output;
    RecurrentState state;
  };
  using Recurrent::forward;
  Result forward(const Tensor& x, const RecurrentState& state);
};

/// One step: RNNCell, LSTMCell, GRUCell of (N, I) or (I).
class RecurrentCell final : public Module {
 public:
  RecurrentCell(RecurrentKind kind, int64_t input_size, int64_t hidden_size, bool bias = true);
  /// The next hidden state from one of zeros.
  Tensor forward(const Tensor& x) override { return forward(x, RecurrentState{}).hidden; }
  RecurrentState forward(const Tensor& x, const RecurrentState& state);
  std::string type_name() const override;
  std::string describe() const override;

 private:
  RecurrentKind kind_;
  int64_t input_, hidden_;
  Tensor input_weight_, input_bias_;
  RecurrentWeights own_;
};

}  // namespace iolaus::nn
