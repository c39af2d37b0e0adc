// Cast: the conversion of one element, shared by CPU and CUDA: a C++ cast, through float for the
// 16-bit types; to bool it asks for != 0.
#pragma once

#include <type_traits>

#include "core/dtype.h"

namespace iolaus {

template <class Out, class In> struct Cast {
  static constexpr bool kFills = true;  // one number may go everywhere
  IOLAUS_HD Out operator()(MathType<In> x) const {
    if constexpr (std::is_same_v<Out, bool>) {
      return x != MathType<In>(0);
    } else {
      return static_cast<Out>(static_cast<MathType<Out>>(x));
    }
  }
};

}  // namespace iolaus
