// iolaus: one program, one command for each thing users start.
#include <cstdio>
#include <cstring>

#include "apps/commands.h"
#include "core/device_failure.h"
#include "nn/run/device_failure_exit.h"

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

}  // namespace

int main(int argc, char** argv) {
  iolaus::nn::exit_on_device_failure();
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
