// Decimal: sums of decimal numbers with 28 significant digits, half to even, as Python's decimal
// module has them by default. Ranges of floats count this way: 0.1, 0.2, 0.3, ... and no
// 0.30000000000000004.
#pragma once

#include <string>

namespace iolaus::config {

class Decimal {
 public:
  /// Exactly the value of the double. kConfig for NaN and infinities.
  explicit Decimal(double value);

  /// Adds, then rounds to 28 significant digits.
  void add(const Decimal& other);
  int compare(const Decimal& other) const;
  int sign() const { return digits_ == "0" ? 0 : negative_ ? -1 : 1; }
  double to_double() const;

 private:
  bool negative_ = false;
  std::string digits_ = "0";  // no leading zeros
  int scale_ = 0;             // value = digits * 10^-scale
};

}  // namespace iolaus::config
