// The fuzzer of ops without libFuzzer, for any compiler and preset: random inputs from a seed.
//   fuzz_ops [SECONDS] [SEED]     calls until the time is up
//   fuzz_ops calls COUNT [SEED]   so many calls
//   fuzz_ops replay SEED          repeats one call
// Before each call its seed is written to the file fuzz_ops.seed, so that a crash leaves it there.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include <sys/resource.h>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size);

#ifdef __SANITIZE_ADDRESS__  // a large request fails at once, as memory that is used up does
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1:max_allocation_size_mb=4096";
}
#endif

namespace {

void run(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<unsigned char> bytes(512);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::strcmp(argv[1], "replay") == 0) {
    setenv("IOLAUS_FUZZ_SHOW", "1", 1);
    run(std::strtoull(argv[2], nullptr, 10));
    return 0;
  }
#ifndef __SANITIZE_ADDRESS__                             // which reserves terabytes
  const rlimit limit{rlim_t{4} << 30, rlim_t{4} << 30};  // so that a large request fails at once
  setrlimit(RLIMIT_AS, &limit);
#endif
  const bool counts = argc > 2 && std::strcmp(argv[1], "calls") == 0;
  const double seconds = argc > 1 && !counts ? std::atof(argv[1]) : 10;
  const uint64_t calls = counts ? std::strtoull(argv[2], nullptr, 10) : 0;
  const int seed_at = counts ? 3 : 2;
  const uint64_t start = argc > seed_at ? std::strtoull(argv[seed_at], nullptr, 10) : 1;
  std::FILE* last = std::fopen("fuzz_ops.seed", "w");
  if (!last) return 1;
  const auto begin = std::chrono::steady_clock::now();
  const auto passed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  uint64_t seed = start;
  for (; counts ? seed - start < calls : passed() < seconds; ++seed) {
    std::rewind(last);
    std::fprintf(last, "%020llu\n", static_cast<unsigned long long>(seed));
    std::fflush(last);
    run(seed);
  }
  std::fclose(last);
  std::printf("%llu calls from seed %llu\n", static_cast<unsigned long long>(seed - start),
              static_cast<unsigned long long>(start));
}
