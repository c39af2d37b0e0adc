// How the operands of a call lie in memory, as one word: what the tune cache tells calls of the
// same sizes apart by.
#pragma once

#include <initializer_list>
#include <string_view>

#include "core/tensor.h"

namespace iolaus {

/// "contiguous" or "channels_last" where all tensors are (undefined ones count as both), else
/// "mixed".
inline std::string_view common_layout(std::initializer_list<const Tensor*> tensors) {
  bool contiguous = true, last = true;
  for (const Tensor* t : tensors) {
    if (!t->defined()) continue;
    contiguous = contiguous && t->is_contiguous();
    last = last && t->dim() == 4 && t->is_contiguous(MemoryFormat::kChannelsLast);
  }
  return contiguous ? "contiguous" : (last ? "channels_last" : "mixed");
}

}  // namespace iolaus
