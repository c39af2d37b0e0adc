// Division by a number that is known at the launch: a multiplication and a shift instead of a
// division's some twenty instructions. Source: Granlund and Montgomery, "Division by invariant
// integers using multiplication" (1994), figure 4.1.
#pragma once

#include <bit>
#include <cstdint>

#include "core/half.h"

namespace iolaus {

/// Divides numbers below 2^31 by `by`, which is from 1 to 2^31 - 1.
class Divider {
 public:
  Divider() = default;
  explicit Divider(uint32_t by) : by_(by), shift_(static_cast<uint32_t>(std::bit_width(by - 1))) {
    const uint64_t above = (uint64_t{1} << shift_) - by;
    factor_ = static_cast<uint32_t>((above << 32) / by + 1);
  }

  IOLAUS_HD uint32_t divide(uint32_t n) const {
    return (static_cast<uint32_t>((static_cast<uint64_t>(n) * factor_) >> 32) + n) >> shift_;
  }
  IOLAUS_HD uint32_t by() const { return by_; }

 private:
  uint32_t by_ = 1, shift_ = 0, factor_ = 1;
};

}  // namespace iolaus
