// Call stacks: taken as bare addresses, which is cheap, and turned into names only when somebody
// wants to read them. Names come from the symbol tables of the program and its libraries, so that
// functions of one file alone are named too.
#pragma once

#include <string>
#include <vector>

namespace iolaus {

/// Return addresses of this thread's callers, the innermost first, without the first skip ones.
/// At most limit.
std::vector<void*> capture_backtrace(int skip, int limit);

struct StackFrame {
  std::string file;  // of the program or library that holds the code
  std::string name;  // demangled; "0x1234" (offset in the file) where nothing names it
};

/// What each address is called.
std::vector<StackFrame> symbolise(const std::vector<void*>& addresses);

}  // namespace iolaus
