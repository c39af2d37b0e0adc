// Threads: another number of threads for the rest of a scope.
#pragma once

#include "core/parallel.h"

namespace iolaus {

struct Threads {
  int before = num_threads();
  explicit Threads(int count) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
};

}  // namespace iolaus
