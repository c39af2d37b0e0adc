// A line search for the strong Wolfe conditions (Nocedal and Wright, algorithms 3.5 and 3.6) with
// cubic interpolation, step for step as torch.optim's.
#pragma once

#include <functional>

#include "core/tensor.h"

namespace iolaus::nn {

/// The loss, its gradient and its slope along the direction after a step of length t.
struct LinePoint {
  double t = 0, loss = 0;
  Tensor gradient;
  double slope = 0;
};

struct LineSearch {
  LinePoint found;
  int64_t evaluations = 0;
};

/// t: the first step to try; largest: the largest magnitude in the direction; most: how often the
/// search may go on.
LineSearch strong_wolfe(const std::function<LinePoint(double)>& at, const LinePoint& start,
                        double t, double largest, double tolerance_change, int64_t most);

}  // namespace iolaus::nn
