// The commands of the program `iolaus`; each is a function with its own command line.
#pragma once

namespace iolaus {

/// `iolaus compose`: composes a config and prints it; an application without a tree of its own.
int compose_main(int argc, char** argv);

}  // namespace iolaus
