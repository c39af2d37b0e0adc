// What ptx.h means on the simulated device. A lane touches its own operands in memory; what crosses
// lanes goes through a collective of the warp. A copy reads its source only at the wait that covers
// it, as late as it may; until then its destination is NaN.
#pragma once

#include "core/cuda/sim/async_copy.h"
#include "core/cuda/sim/device.h"
#include "core/half.h"

namespace iolaus::ptx {

namespace detail {
using Word [[gnu::may_alias]] = uint32_t;

inline void check_shared(const void* p, size_t nbytes, const char* what, sim::Place place) {
  sim::check_aligned(p, nbytes, what, place);
  if (!sim::is_shared_memory(p, nbytes)) {
    sim::fail_thread(fmt::format("{}: {} is not in shared memory", sim::at(what, place), p));
  }
}

struct Registers {
  uint32_t r[4];
};

// Matrix m's row i lies in lane 8 m + i; each lane takes two elements of each matrix.
template <int kCount>
void load_matrices(uint32_t (&r)[kCount], const void* row, bool transposed, const char* what,
                   sim::Place place) {
  check_shared(row, 16, what, place);
  Registers own{};
  if (sim::lane() < 8u * kCount) {
    for (int i = 0; i < 4; ++i) own.r[i] = static_cast<const Word*>(row)[i];
  }
  const auto element = [](unsigned matrix, unsigned i, unsigned j) {
    return sim::operand<Registers>(8 * matrix + i).r[j / 2] >> (16 * (j % 2)) & 0xffffu;
  };
  const auto results = [=](unsigned lanes) {
    sim::for_lanes(lanes, [&](unsigned l) {
      const unsigned g = l / 4, t = l % 4;
      for (unsigned m = 0; m < kCount; ++m) {
        sim::result<Registers>(l).r[m] =
            transposed ? element(m, 2 * t, g) | element(m, 2 * t + 1, g) << 16
                       : element(m, g, 2 * t) | element(m, g, 2 * t + 1) << 16;
      }
    });
  };
  const Registers out = sim::collective<Registers>(~0u, own, results, what, place);
  for (int m = 0; m < kCount; ++m) r[m] = out.r[m];
}

template <class T> float element_of(uint32_t pair, int half) {
  T x;
  x.bits = static_cast<uint16_t>(pair >> (16 * half));
  return static_cast<float>(x);
}

struct MmaIn {
  uint32_t a[4], b[2];
  float d[4];
};
struct MmaOut {
  float d[4];
};
// All lanes' fragments as matrices, their product in float, and back.
template <class T> void multiply_fragments(unsigned lanes) {
  float a[16][16], b[16][8], d[16][8];
  sim::for_lanes(lanes, [&](unsigned l) {
    const auto& x = sim::operand<MmaIn>(l);
    const unsigned g = l / 4, t = l % 4;
    for (unsigned i = 0; i < 4; ++i) {
      for (int half = 0; half < 2; ++half) {
        const unsigned k = 2 * t + static_cast<unsigned>(half);
        a[g + i % 2 * 8][k + i / 2 * 8] = element_of<T>(x.a[i], half);
        if (i < 2) b[k + i * 8][g] = element_of<T>(x.b[i], half);
      }
      d[g + i / 2 * 8][2 * t + i % 2] = x.d[i];
    }
  });
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < 16; ++k) {
      for (int j = 0; j < 8; ++j) d[i][j] += a[i][k] * b[k][j];
    }
  }
  sim::for_lanes(lanes, [&](unsigned l) {
    for (unsigned i = 0; i < 4; ++i) {
      sim::result<MmaOut>(l).d[i] = d[l / 4 + i / 2 * 8][l % 4 * 2 + i % 2];
    }
  });
}
}  // namespace detail

template <int kBytes>
void cp_async(void* shared, const void* global, int valid = kBytes,
              sim::Place place = sim::Place::here()) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16);
  if (sim::is_shared_memory(global) || valid < 0 || valid > kBytes) {
    sim::fail_thread(fmt::format("{}: {} of {} bytes from {}", sim::at("cp.async", place), valid,
                                 kBytes, global));
  }
  sim::async_copy(shared, global, kBytes, static_cast<size_t>(valid), place);
}
inline void cp_async_commit() { sim::async_copy_commit(); }
template <int kPending> void cp_async_wait() { sim::async_copy_wait(kPending); }

template <int kCount>
void ldmatrix(uint32_t (&r)[kCount], const void* row, sim::Place place = sim::Place::here()) {
  detail::load_matrices(r, row, false, "ldmatrix", place);
}
template <int kCount>
void ldmatrix_trans(uint32_t (&r)[kCount], const void* row, sim::Place place = sim::Place::here()) {
  detail::load_matrices(r, row, true, "ldmatrix.trans", place);
}

template <class T>
void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
                  sim::Place place = sim::Place::here()) {
  const detail::MmaIn in{{a[0], a[1], a[2], a[3]}, {b0, b1}, {d[0], d[1], d[2], d[3]}};
  const auto out = sim::collective<detail::MmaOut>(
      ~0u, in, [](unsigned lanes) { detail::multiply_fragments<T>(lanes); }, "mma.m16n8k16", place);
  for (int i = 0; i < 4; ++i) d[i] = out.d[i];
}

template <class T> uint32_t pack_pair(float low, float high) {
  return T(low).bits | static_cast<uint32_t>(T(high).bits) << 16;
}

inline float exp2_approx(float x) { return std::exp2(x); }

}  // namespace iolaus::ptx
