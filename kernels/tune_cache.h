// The tune cache: which variant was measured to be the fastest for a shape. One JSON file an entry,
//   $IOLAUS_CACHE_DIR | $XDG_CACHE_HOME/iolaus | ~/.cache/iolaus
//     /kernels/<hash of environment.json>/<kernel>/<dtype>-<hash of sizes and layout>.json
// replaced atomically. The environment is what a measurement depends on: device, driver, library
// versions, our version (on the CPU: model, threads). An entry that does not fit what the program
// asks for (another format, sizes, set of variants) or cannot be read is a miss, with one warning.
// To measure anew, remove the folder.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/dtype.h"

namespace iolaus {

/// kOff: no cache. kRead: entries are used, a miss takes the default. kTune: a shape that has no
/// entry is measured once and entered. kFrozen: a miss is an error that names the key.
enum class TuneMode { kOff, kRead, kTune, kFrozen };

/// "off", "read", "tune" or "frozen". Errors: kConfig.
TuneMode parse_tune_mode(const std::string& text);
/// The mode in force: the last one set, else IOLAUS_TUNE of the environment, else kRead.
TuneMode tune_mode();
/// Kernels resolve anew at their next call.
void set_tune_mode(TuneMode mode);
/// Back to the environment's.
void reset_tune_mode();

/// What an entry is found by.
struct TuneKey {
  std::string kernel;
  DeviceType device = kCPU;
  DType dtype = kFloat32;
  std::span<const char* const> names;  // of the sizes
  std::vector<int64_t> sizes;
  std::string
      layout;  // how the operands lie, as the kernel's arguments say; "" where all are alike

  /// "softmax float32 (outer 4, n 10, inner 1) contiguous on cuda", for messages.
  std::string str() const;
};

/// What was measured: names, never indices, because those change between versions.
struct TuneResult {
  std::string variant;                          // the fastest
  std::map<std::string, double> microseconds;   // of every candidate that passed the check
  std::map<std::string, std::string> rejected;  // candidates that did not, and why
};

struct TuneEntry {
  TuneKey key;
  TuneResult result;
};

/// The folder of this environment's entries; does not make it.
std::string tune_folder(DeviceType device);
/// The entries of a kernel whose candidates are exactly these. names as in TuneKey; sizes whose
/// names differ are a mismatch.
std::vector<TuneEntry> load_tune_entries(const std::string& kernel, DeviceType device, DType dtype,
                                         std::span<const char* const> names,
                                         const std::vector<std::string>& candidates);
/// Writes or replaces an entry. Errors: kIo, kNotFound.
void save_tune_entry(const TuneEntry& entry);

}  // namespace iolaus
