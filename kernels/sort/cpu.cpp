// sort on the CPU: keys become unsigned integers of the same order, each with its index. Long rows
// go by digits of 8 bits, the lowest first (which is stable), short ones by comparison of key and
// index. Of a part of a row the first and the last key are selected, and what lies between them is
// sorted. Rows spread over threads.
#include <algorithm>
#include <bit>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/elementwise/domain.h"
#include "kernels/scratch.h"
#include "kernels/sort/sort.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 4096;  // elements that are worth a thread
constexpr int64_t kShort = 512;   // rows up to here are sorted by comparison
constexpr int64_t kTiny = 64;     // rows up to here are not worth a selection of keys

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

// A key and how many are below it.
template <class K> struct Place {
  K key;
  int64_t below;
};

template <class K> Place<K> select_rest(K* keys, int64_t n, int64_t rank) {
  std::nth_element(keys, keys + rank, keys + n);
  return {keys[rank], std::count_if(keys, keys + rank, [&](K key) { return key < keys[rank]; })};
}

// The key of the given rank; keys stay, less and more have room for as many. What a pivot leaves is
// gathered without branches (quickselect); the pivot is the key in a sample whose rank is as far
// from its nearer end, or one more, so that most of the other keys fall away.
template <class K> Place<K> select_key(const K* keys, K* less, K* more, int64_t n, int64_t rank) {
  constexpr int64_t kMost = 63;
  constexpr int kPasses = 40;  // after which keys that defeat the samples go another way
  int64_t below = 0;
  for (int pass = 0; n > kTiny && pass < kPasses; ++pass) {
    K sample[kMost];
    const int64_t m = n > 4096 ? kMost : 15;
    for (int64_t i = 0; i < m; ++i) sample[i] = keys[(2 * i + 1) * n / (2 * m)];
    std::sort(sample, sample + m);
    const int64_t place = rank * m / n;
    const K pivot = sample[place < m / 2 ? place + 1 : place - 1];
    int64_t under = 0, over = 0;
    for (int64_t i = 0; i < n; ++i) {  // keys may be less: what is written has been read
      const K key = keys[i];
      more[over] = key;
      over += key > pivot ? 1 : 0;
      less[under] = key;
      under += key < pivot ? 1 : 0;
    }
    if (rank >= under && rank < n - over) return {pivot, below + under};
    if (rank < under) {
      keys = less;
      n = under;
    } else {
      rank -= n - over;
      below += n - over;
      std::swap(less, more);
      keys = less;
      n = over;
    }
  }
  if (keys != less) std::copy_n(keys, n, less);
  const Place<K> found = select_rest(less, n, rank);
  return {found.key, below + found.below};
}

// Memory for one row.
template <class K> struct Row {
  Scratch<K> keys, less, more;
  Scratch<Item<K>> items, other;
  explicit Row(int64_t n) : keys(n), less(n), more(n), items(n), other(n) {}
};

// Whether a heap of the wanted ones, which hardly changes on the way, is the shortest way to them.
bool wants_few(const Sort& s) { return s.first == 0 && s.count <= s.n / 64; }

// Columns [first, first + count) of the order, by all items.
template <class K> const Item<K>* order_items(const Row<K>& row, const Sort& s) {
  Item<K>*items = row.items.data(), *end = items + s.n, *first = items + s.first;
  for (int64_t j = 0; j < s.n; ++j) items[j] = {row.keys[j], static_cast<uint32_t>(j)};
  if (wants_few(s)) {
    std::partial_sort(items, items + s.count, end);
    return items;
  }
  if (s.first > 0) std::nth_element(items, first, end);
  if (first + s.count < end) std::nth_element(first, first + s.count, end);
  std::sort(first, first + s.count);
  return first;
}

// Columns [first, first + count) of the order: their items are put at the front and sorted.
template <class K> const Item<K>* order_part(const Row<K>& row, const Sort& s) {
  const K* keys = row.keys.data();
  const int64_t last = s.first + s.count - 1;
  Place<K> low{0, 0}, high{static_cast<K>(~K{0}), 0};
  if (s.first > 0) low = select_key(keys, row.less.data(), row.more.data(), s.n, s.first);
  if (last < s.n - 1) {
    high = s.count == 1 && s.first > 0
               ? low
               : select_key(keys, row.less.data(), row.more.data(), s.n, last);
  }
  const K width = static_cast<K>(high.key - low.key);
  Item<K>* items = row.items.data();
  int64_t count = 0;
  for (int64_t j = 0; j < s.n; ++j) {
    items[count] = {keys[j], static_cast<uint32_t>(j)};
    count += static_cast<K>(keys[j] - low.key) <= width ? 1 : 0;
  }
  if (count > kShort) {
    sort_digits(items, row.other.data(), count);
  } else if (low.key != high.key) {  // equal ones are in order already
    std::sort(items, items + count);
  }
  return items + (s.first - low.below);
}

// The keys of a row, of one order whether it is sorted up or down.
template <class T> void fill_keys(const T* x, int64_t n, bool descending, Key<T>* keys) {
  simd::run([&] {
    using K = Key<T>;
    const T* from = x;
    K* to = keys;
    const int64_t count = n;
    const K turned = descending ? static_cast<K>(~K{0}) : K{0};
    for (int64_t j = 0; j < count; ++j) to[j] = static_cast<K>(key_of(from[j]) ^ turned);
  });
}

template <class T> void sort_row(const Sort& s, int64_t row, const Row<Key<T>>& memory) {
  const T* x = static_cast<const T*>(s.x) + row * s.n;
  fill_keys(x, s.n, s.descending, memory.keys.data());
  const Item<Key<T>>* items =
      s.n <= kTiny || wants_few(s) ? order_items(memory, s) : order_part(memory, s);
  T* values = static_cast<T*>(s.values) + row * s.count;
  for (int64_t j = 0; j < s.count; ++j) {
    values[j] = x[items[j].index];
    s.indices[row * s.count + j] = items[j].index;
  }
}

void run(const Sort& s) {
  if (s.count == 0) return;
  visit_dtype(AllTypes{}, "sort", s.element, [&]<class T>() {
    parallel_for(s.rows, std::max<int64_t>(1, kGrain / s.n), [&](int64_t begin, int64_t end) {
      const Row<Key<T>> memory(s.n);
      for (int64_t row = begin; row < end; ++row) sort_row<T>(s, row, memory);
    });
  });
}

const char* why_not(const Sort& s) {
  return s.n > UINT32_MAX ? "rows of more than 2^32 elements" : nullptr;
}

const bool kRegistered = sort_kernels().add({"cpu", kCPU, dtypes_of(AllTypes{}), run, 1, why_not});

}  // namespace
}  // namespace iolaus
