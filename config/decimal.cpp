// Decimal as strings of digits: schoolbook sums. Ranges are short, so clarity wins over speed.
#include "config/decimal.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "core/error.h"

namespace iolaus::config {
namespace {

constexpr std::size_t kPrecision = 28;

void strip_leading_zeros(std::string& digits) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
}

// Both are left-padded to the same length.
void pad(std::string& a, std::string& b) {
  if (a.size() < b.size()) a.insert(0, b.size() - a.size(), '0');
  if (b.size() < a.size()) b.insert(0, a.size() - b.size(), '0');
}

std::string sum(const std::string& a, const std::string& b) {
  std::string out(a.size() + 1, '0');
  int carry = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    const int digit = (a[i] - '0') + (b[i] - '0') + carry;
    out[i + 1] = static_cast<char>('0' + digit % 10);
    carry = digit / 10;
  }
  out[0] = static_cast<char>('0' + carry);
  return out;
}

// a - b for a >= b.
std::string difference(const std::string& a, const std::string& b) {
  std::string out = a;
  int borrow = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    int digit = (a[i] - '0') - (b[i] - '0') - borrow;
    borrow = digit < 0 ? 1 : 0;
    out[i] = static_cast<char>('0' + digit + 10 * borrow);
  }
  return out;
}

}  // namespace

Decimal::Decimal(double value) : negative_(std::signbit(value)) {
  IOLAUS_CHECK_CODE(std::isfinite(value), ErrorCode::kConfig,
                    "[range] expected finite numbers, got {}", value);
  // 1,074 places hold every double exactly.
  char text[1500];
  std::snprintf(text, sizeof(text), "%.1074f", std::abs(value));
  digits_ = text;
  const std::size_t point = digits_.find('.');
  digits_.erase(point, 1);
  scale_ = 1074;
  while (scale_ > 0 && digits_.back() == '0') {
    digits_.pop_back();
    --scale_;
  }
  strip_leading_zeros(digits_);
}

void Decimal::add(const Decimal& other) {
  std::string a = digits_, b = other.digits_;
  const int scale = std::max(scale_, other.scale_);
  a.append(static_cast<std::size_t>(scale - scale_), '0');
  b.append(static_cast<std::size_t>(scale - other.scale_), '0');
  pad(a, b);
  if (negative_ == other.negative_) {
    digits_ = sum(a, b);
  } else if (a >= b) {
    digits_ = difference(a, b);
  } else {
    digits_ = difference(b, a);
    negative_ = other.negative_;
  }
  scale_ = scale;
  strip_leading_zeros(digits_);
  if (digits_.size() <= kPrecision) return;
  const std::string rest = digits_.substr(kPrecision);
  scale_ -= static_cast<int>(rest.size());
  digits_.resize(kPrecision);
  const bool exactly_half = rest[0] == '5' && rest.find_first_not_of('0', 1) == std::string::npos;
  const bool odd = (digits_.back() - '0') % 2 == 1;
  if (exactly_half ? odd : rest[0] >= '5') {
    digits_ = sum(digits_, std::string(kPrecision - 1, '0') + "1");
    strip_leading_zeros(digits_);
  }
}

int Decimal::compare(const Decimal& other) const {
  if (sign() != other.sign()) return sign() < other.sign() ? -1 : 1;
  std::string a = digits_, b = other.digits_;
  const int scale = std::max(scale_, other.scale_);
  a.append(static_cast<std::size_t>(scale - scale_), '0');
  b.append(static_cast<std::size_t>(scale - other.scale_), '0');
  pad(a, b);
  const int order = a.compare(b);
  return negative_ ? -order : order;
}

double Decimal::to_double() const {
  const std::string text = digits_ + "e" + std::to_string(-scale_);
  const double value = std::strtod(text.c_str(), nullptr);
  return negative_ ? -value : value;
}

}  // namespace iolaus::config
