// Private pools: the memory of captured graphs. A replay writes to the addresses that were used
// while capturing, so they must not serve anybody else as long as the graph lives.
#include <algorithm>

#include "core/allocator/blocks.h"
#include "core/allocator/caching_allocator.h"
#include "core/error.h"

namespace iolaus {

CachingAllocator::Arena& CachingAllocator::arena(PoolId pool) {
  const auto found = arenas_.find(pool);
  IOLAUS_CHECK(found != arenas_.end() && (pool == 0 || found->second->users > 0),
               "[{}] there is no memory pool {}", name_, pool);
  return *found->second;
}

// The innermost redirection that applies decides.
CachingAllocator::Arena& CachingAllocator::arena_for(StreamKey stream) {
  for (auto it = redirects_.rbegin(); it != redirects_.rend(); ++it) {
    if (it->applies(stream)) return arena(it->pool);
  }
  return arena(0);
}

PoolId CachingAllocator::create_pool() {
  std::lock_guard lock(mutex_);
  const PoolId id = next_pool_++;
  arenas_[id] = std::make_unique<Arena>(id);
  return id;
}

void CachingAllocator::retain_pool(PoolId pool) {
  std::lock_guard lock(mutex_);
  ++arena(pool).users;
}

void CachingAllocator::release_pool(PoolId pool) {
  std::lock_guard lock(mutex_);
  --arena(pool).users;
  drop_empty_pools();
}

void CachingAllocator::drop_empty_pools() {
  std::erase_if(arenas_, [&](const auto& entry) {
    const auto& arena = *entry.second;
    if (entry.first == 0 || arena.users > 0) return false;
    return std::none_of(segments_.begin(), segments_.end(), [&](const auto& segment) {
      const Pool* pool = segment.second->pool;
      return pool == &arena.small || pool == &arena.large;
    });
  });
}

void CachingAllocator::begin_redirect(PoolId pool, std::function<bool(StreamKey)> applies) {
  std::lock_guard lock(mutex_);
  arena(pool);
  redirects_.push_back({pool, std::move(applies)});
}

void CachingAllocator::end_redirect(PoolId pool) {
  std::lock_guard lock(mutex_);
  const auto last = std::find_if(redirects_.rbegin(), redirects_.rend(),
                                 [&](const Redirect& r) { return r.pool == pool; });
  IOLAUS_CHECK(last != redirects_.rend(), "[{}] no redirection to pool {} is on", name_, pool);
  redirects_.erase(std::next(last).base());
}

}  // namespace iolaus
