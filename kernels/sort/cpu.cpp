// sort on the CPU: keys become unsigned integers of the same order, each with its index. Long rows
// go by digits of 8 bits, the lowest first (which is stable); short ones and parts of a row by
// comparison of key and index; rows spread over threads.
#include <algorithm>
#include <bit>

#include "core/parallel.h"
#include "kernels/elementwise/domain.h"
#include "kernels/scratch.h"
#include "kernels/sort/sort.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 4096;  // elements that are worth a thread
constexpr int64_t kShort = 512;   // rows up to here are sorted by comparison

template <class T> constexpr auto key_type() {
  if constexpr (sizeof(T) == 1) return uint8_t{};
  if constexpr (sizeof(T) == 2) return uint16_t{};
  if constexpr (sizeof(T) == 4) return uint32_t{};
  if constexpr (sizeof(T) == 8) return uint64_t{};
}
template <class T> using Key = decltype(key_type<T>());

// The order of numbers as that of unsigned ones. NaN is the largest, -0 is 0; negative floats have
// all bits turned, others the sign's.
template <class T> Key<T> key_of(T x) {
  using K = Key<T>;
  constexpr K kTop = static_cast<K>(K{1} << (8 * sizeof(K) - 1));
  if constexpr (is_floating(dtype_of<T>)) {
    const auto value = static_cast<MathType<T>>(x);
    const K bits = value == MathType<T>(0) ? K{0} : std::bit_cast<K>(x);
    const K key = static_cast<K>((bits & kTop) != 0 ? ~bits : bits | kTop);
    return value != value ? static_cast<K>(~K{0}) : key;
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<K>(static_cast<K>(x) ^ kTop);
  } else {
    return static_cast<K>(x);
  }
}

template <class K> struct Item {
  K key;
  uint32_t index;
  bool operator<(const Item& other) const {
    return key != other.key ? key < other.key : index < other.index;
  }
};

// By digits, in items; `other` has room for as many.
template <class K> void sort_digits(Item<K>* items, Item<K>* other, int64_t n) {
  constexpr int kDigits = sizeof(K);
  int64_t counts[kDigits][256] = {};
  for (int64_t i = 0; i < n; ++i) {
    for (int d = 0; d < kDigits; ++d) ++counts[d][items[i].key >> (8 * d) & 255];
  }
  Item<K>*from = items, *to = other;
  for (int d = 0; d < kDigits; ++d) {
    if (counts[d][from[0].key >> (8 * d) & 255] == n) continue;  // all have this digit
    int64_t place[256], sum = 0;
    for (int v = 0; v < 256; ++v) {
      place[v] = sum;
      sum += counts[d][v];
    }
    for (int64_t i = 0; i < n; ++i) to[place[from[i].key >> (8 * d) & 255]++] = from[i];
    std::swap(from, to);
  }
  if (from != items) std::copy_n(from, n, items);
}

// Brings what belongs to [first, first + count) of the order there.
template <class K>
void order(Item<K>* items, Item<K>* other, int64_t n, int64_t first, int64_t count) {
  if (count == n && n > kShort) return sort_digits(items, other, n);
  Item<K>* end = items + n;
  if (first == 0 && count <= n / 64) return std::partial_sort(items, items + count, end);
  if (first > 0) std::nth_element(items, items + first, end);
  if (first + count < n) std::nth_element(items + first, items + first + count, end);
  std::sort(items + first, items + first + count);
}

template <class T> void sort_row(const Sort& s, int64_t row, Item<Key<T>>* items) {
  const T* x = static_cast<const T*>(s.x) + row * s.n;
  T* values = static_cast<T*>(s.values) + row * s.count;
  using K = Key<T>;
  const K turned = s.descending ? static_cast<K>(~K{0}) : K{0};
  for (int64_t j = 0; j < s.n; ++j) {
    items[j] = {static_cast<K>(key_of(x[j]) ^ turned), static_cast<uint32_t>(j)};
  }
  order(items, items + s.n, s.n, s.first, s.count);
  for (int64_t j = 0; j < s.count; ++j) {
    const uint32_t index = items[s.first + j].index;
    values[j] = x[index];
    s.indices[row * s.count + j] = index;
  }
}

void run(const Sort& s) {
  if (s.count == 0) return;
  visit_dtype(AllTypes{}, "sort", s.element, [&]<class T>() {
    parallel_for(s.rows, std::max<int64_t>(1, kGrain / s.n), [&](int64_t begin, int64_t end) {
      const Scratch<Item<Key<T>>> items(2 * s.n);
      for (int64_t row = begin; row < end; ++row) sort_row<T>(s, row, items.data());
    });
  });
}

const char* why_not(const Sort& s) {
  return s.n > UINT32_MAX ? "rows of more than 2^32 elements" : nullptr;
}

const bool kRegistered = sort_kernels().add({"cpu", kCPU, dtypes_of(AllTypes{}), run, 1, why_not});

}  // namespace
}  // namespace iolaus
