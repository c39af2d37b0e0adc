// What the variants that call oneDNN share. oneDNN's own threads are OpenMP's, a second pool beside
// ours whose threads wait for each other, and its sums may depend on their number; so the variants
// split their work themselves (core/parallel.h), and each primitive runs on one thread.
#pragma once

#include <omp.h>

#include <dnnl.hpp>

namespace iolaus::onednn {

inline const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

/// While it lives, what oneDNN makes or runs on this thread uses this thread alone.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace iolaus::onednn
