// The CopyQueue of a CUDA device.
#pragma once

#include <memory>

#include "core/copy_queue.h"

namespace iolaus::cuda {

std::unique_ptr<CopyQueue> make_copy_queue(int device);

}  // namespace iolaus::cuda
