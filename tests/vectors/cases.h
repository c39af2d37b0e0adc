// The vectors: calls that PyTorch's results are known of (made by make.py), and the list of those
// that cannot pass, each with its reason.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "autograd/op_table.h"

namespace iolaus::vectors {

struct Vectors {
  nlohmann::json cases;
  std::vector<Tensor> tensors;  // by the number that cases name
  std::string torch;            // PyTorch's version
  int64_t left_out = 0;         // samples that make.py could not write
};
Vectors load_vectors();

/// The reason why a case is known not to pass on a device, or "".
class Listed {
 public:
  Listed();
  std::string reason(const nlohmann::json& test, Device device);
  /// Entries that stood for no failing case: the list must not grow stale.
  std::vector<std::string> unused() const;

 private:
  struct Entry {
    std::string pattern, reason, device;
    bool used = false;
  };
  std::vector<Entry> entries_;
};

/// Runs one case. What differs from PyTorch, or "".
std::string run_case(const Vectors& vectors, const nlohmann::json& test, Device device);
/// Whether the case has an in-place form: the op has one, and the result has the first argument's
/// shape and dtype.
bool fits_in_place(const Vectors& vectors, const nlohmann::json& test);
/// The same with the in-place form on a copy of the first argument; the expected result and
/// gradients are those of the op.
std::string run_case_in_place(const Vectors& vectors, const nlohmann::json& test, Device device);

}  // namespace iolaus::vectors
