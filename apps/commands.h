// The commands of the program `iolaus`; each is a function with its own command line.
#pragma once

namespace iolaus {

/// `iolaus compose`: composes a config and prints it; an application without a tree of its own.
int compose_main(int argc, char** argv);
/// `iolaus train` and `iolaus eval`: applications over apps/conf.
int train_main(int argc, char** argv);
int eval_main(int argc, char** argv);
/// `iolaus bench`: times training steps and single operations.
int bench_main(int argc, char** argv);
/// `iolaus op`: runs one op on tensors from files, or lists the ops.
int op_main(int argc, char** argv);
/// `iolaus doctor`: what was found on this machine.
int doctor_main(int argc, char** argv);

}  // namespace iolaus
