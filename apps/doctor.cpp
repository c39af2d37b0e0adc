// iolaus doctor: what this program found on this machine, and which kernel variants can run here.
#include <oneapi/dnnl/dnnl.h>

#include <cstdio>
#include <filesystem>

#include "apps/commands.h"
#include "core/device_info.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/kernel_set.h"
#include "kernels/linalg/linalg.h"
#include "kernels/tune_cache.h"
#include "nn/data/mnist.h"

namespace iolaus {
namespace {

void print(const std::string& name, const std::string& value) {
  std::printf("%-16s %s\n", name.c_str(), value.c_str());
}

void print_cuda() {
  const CudaInfo info = cuda_info();
  print("cuda", !info.built      ? "not built (cmake --preset cuda)"
                : info.simulated ? "simulated on the host (no GPU is used)"
                : info.problem.empty()
                    ? "built, " + std::to_string(info.devices.size()) + " device(s)"
                    : "built, but " + info.problem);
  if (!info.built) return;
  print("  driver", info.driver_version.empty() ? "none" : info.driver_version);
  print("  runtime", info.runtime_version);
  for (size_t i = 0; i < info.devices.size(); ++i) {
    const CudaDeviceInfo& d = info.devices[i];
    print("  cuda:" + std::to_string(i),
          fmt::format("{}, sm {}, {:.1f} GiB, {} multiprocessors", d.name, d.capability,
                      static_cast<double>(d.memory) / (1 << 30), d.multiprocessors));
  }
  for (const LibraryInfo& library : info.libraries) {
    print("  " + library.name, library.version.empty() ? library.problem : library.version);
  }
  print("  linalg", linalg::selected_for_cuda() == "cusolver"
                        ? "cusolver"
                        : "lapack: matrices go to the host and back, for lack of cuSOLVER");
}

void print_kernels() {
  std::printf(
      "\nkernels (the first that can run is the default; kernels.NAME=VARIANT chooses; [sizes for "
      "rules])\n");
  std::printf("  tune cache: %s\n", tune_folder(is_available(kCUDA) ? kCUDA : kCPU).c_str());
  for (const KernelSetBase* set : all_kernel_sets()) {
    auto variants = set->variants();
    std::stable_sort(variants.begin(), variants.end(),
                     [](const auto* a, const auto* b) { return a->rank > b->rank; });
    std::string line;
    for (const VariantInfo* v : variants) {
      line += " " + v->name + (v->device == kCUDA ? ":cuda" : "") +
              (is_available(v->device) ? "" : " (no device)") +
              (v->deterministic ? "" : " (not deterministic)");
    }
    std::string sizes;
    for (const char* name : set->size_names())
      sizes += (sizes.empty() ? "" : " ") + std::string(name);
    if (!sizes.empty()) line += "  [" + sizes + "]";
    std::printf("  %-28s%s\n", set->name().c_str(), line.c_str());
  }
}

}  // namespace

int doctor_main(int argc, char**) {
  if (argc > 1) {
    std::fprintf(stderr, "usage: iolaus doctor\n");
    return 2;
  }
  print("iolaus", IOLAUS_VERSION);
  print("cpu", fmt::format("{} threads, {}", num_threads(), simd::level_name(simd::level())));
  const dnnl_version_t* dnnl = dnnl_version();
  print("onednn", fmt::format("{}.{}.{}", dnnl->major, dnnl->minor, dnnl->patch));
  print_cuda();
  print("fashion-mnist", std::filesystem::exists(nn::data::kFashionMnistPath)
                             ? nn::data::kFashionMnistPath
                             : "not found (apt install dataset-fashion-mnist)");
  print_kernels();
  return 0;
}

}  // namespace iolaus
