// iolaus: one program, one command for each thing users start.
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "apps/commands.h"
#include "core/device_failure.h"

namespace {

struct Command {
  const char* name;
  const char* doc;
  int (*run)(int argc, char** argv);
};

constexpr Command kCommands[] = {
    {"train", "train and test a model from a composed config", iolaus::train_main},
    {"eval", "test a saved model", iolaus::eval_main},
    {"bench", "time training steps and operations", iolaus::bench_main},
    {"compose", "compose a config and print it", iolaus::compose_main},
    {"op", "run one op on tensors from files; list all ops", iolaus::op_main},
    {"doctor", "say what was found: devices, libraries, kernels", iolaus::doctor_main},
};

int print_usage(std::FILE* out) {
  std::fprintf(out, "usage: iolaus COMMAND [ARGUMENT...]\n\n");
  for (const Command& command : kCommands) {
    std::fprintf(out, "  %-10s %s\n", command.name, command.doc);
  }
  std::fprintf(out,
               "\nexit status: 0 done, 1 failed, 2 wrong arguments, %d a GPU failed (nothing is "
               "saved then)\n",
               iolaus::kDeviceFailureExit);
  return out == stdout ? 0 : 2;
}

// At once: whatever ran now (a checkpoint on the way out, a destructor) would use the device.
[[noreturn]] void end_process(const std::string& message) {
  spdlog::critical("{}", message);
  spdlog::default_logger()->flush();
  std::fprintf(stderr, "iolaus: the GPU failed: %s\n", message.c_str());
  std::fflush(nullptr);
  std::_Exit(iolaus::kDeviceFailureExit);
}

}  // namespace

int main(int argc, char** argv) {
  iolaus::set_device_failure_handler(end_process);
  if (argc < 2) return print_usage(stderr);
  if (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0) {
    return print_usage(stdout);
  }
  for (const Command& command : kCommands) {
    if (std::strcmp(argv[1], command.name) == 0) return command.run(argc - 1, argv + 1);
  }
  std::fprintf(stderr, "iolaus: there is no command '%s'\n\n", argv[1]);
  return print_usage(stderr);
}
