// ShapeTable: shapes and the variant that each takes. Shapes are added one at a time, under the
// caller's lock, and never removed; reading takes no lock, so a look-up costs a few nanoseconds.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace iolaus {

struct VariantInfo;

class ShapeTable {
 public:
  struct Entry {
    std::vector<int64_t> key;
    const VariantInfo* variant = nullptr;  // null: the default
    bool named = false;                    // by a rule of the config: it must be able to run
    Entry* next = nullptr;
  };
  /// More shapes than this are not kept; a program with as many has no fixed shapes.
  static constexpr size_t kMaxShapes = size_t{1} << 16;

  const Entry* find(std::span<const int64_t> key) const {
    const Entry* entry = heads_[bucket(key)].load(std::memory_order_acquire);
    while (entry != nullptr && !std::equal(key.begin(), key.end(), entry->key.begin())) {
      entry = entry->next;
    }
    return entry;
  }
  /// All keys of a table have one length.
  void add(std::span<const int64_t> key, const VariantInfo* variant, bool named) {
    if (entries_.size() >= kMaxShapes) return;
    std::atomic<Entry*>& head = heads_[bucket(key)];
    entries_.push_back(std::make_unique<Entry>(
        Entry{{key.begin(), key.end()}, variant, named, head.load(std::memory_order_relaxed)}));
    head.store(entries_.back().get(), std::memory_order_release);
  }
  size_t size() const { return entries_.size(); }

  /// The last number of a key: how the operands lie, as text (FNV-1a).
  static constexpr int64_t layout_number(std::string_view layout) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : layout) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return static_cast<int64_t>(hash);
  }

 private:
  static constexpr size_t kBuckets = 256;
  static size_t bucket(std::span<const int64_t> key) {
    uint64_t hash = 0;
    for (const int64_t x : key) {
      hash = (hash ^ static_cast<uint64_t>(x)) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 32;
    }
    return hash % kBuckets;
  }

  std::array<std::atomic<Entry*>, kBuckets> heads_{};
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace iolaus
