// The memo, names of classes and functions, and calls, which make records of their arguments.
#include <charconv>

#include "core/io/pickle_machine.h"
#include "core/io/pickle_text.h"

namespace iolaus::io {

uint64_t PickleMachine::take_index() {
  const std::string_view line = take_line();
  uint64_t index = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), index);
  check(error == std::errc() && end == line.data() + line.size(), "a memo index",
        quote_bytes(line));
  return index;
}

void PickleMachine::put(uint64_t index) {
  need(1);
  const auto [place, is_new] = memo_.try_emplace(index);
  if (is_new) pay(kMemoCost);
  place->second = stack_.back();
}

void PickleMachine::get(uint64_t index) {
  const auto found = memo_.find(index);
  check(found != memo_.end(), "a memo index that was stored", std::to_string(index));
  push(found->second);
}

bool PickleMachine::use_memo(char opcode) {
  switch (opcode) {
    case 'p':
      put(take_index());
      return true;
    case 'q':
      put(take_number(1));
      return true;
    case 'r':
      put(take_number(4));
      return true;
    case '\x94':
      put(memo_.size());
      return true;
    case 'g':
      get(take_index());
      return true;
    case 'h':
      get(take_number(1));
      return true;
    case 'j':
      get(take_number(4));
      return true;
    case '\x80': {
      const uint64_t protocol = take_number(1);
      if (protocol > 5) {
        fail_here(ErrorCode::kUnsupported,
                  fmt::format("expected a protocol of at most 5, got {}", protocol));
      }
      return true;
    }
    case '\x95': {
      const uint64_t length = take_number(8);
      check(length <= bytes_.size() - position_, "a frame inside of the data",
            fmt::format("one of {} bytes", length));
      return true;
    }
    default:
      return false;
  }
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  for (const PickleGlobal& global : globals_) {
    if (!global.is(module, name)) continue;
    PickleValue value;
    value.kind = Kind::kGlobal;
    value.global = &global;
    return push(value);
  }
  fail_here(ErrorCode::kUnsupported,
            fmt::format("the class or function {}.{} is not one that files may name here; only "
                        "tensors, arrays and plain data (dict, list, tuple, text, numbers) are "
                        "read, and nothing is ever run",
                        quote_bytes(module), quote_bytes(name)));
}

// A call: function or class, and a tuple of arguments.
void PickleMachine::call(bool is_new) {
  const PickleValue args = pop(), callee = pop();
  check(callee.is(Kind::kGlobal), "a class or function to call", callee.describe());
  check(args.is(Kind::kTuple), "a tuple of arguments", args.describe());
  const PickleGlobal& global = *callee.global;
  const auto count = static_cast<int>(std::min<size_t>(args.items().size(), 1000));
  if (global.call == PickleGlobal::Call::kNever) {
    fail_here(ErrorCode::kUnsupported,
              fmt::format("{}.{} cannot be called here", global.module, global.name));
  }
  // NEWOBJ of a dict class has no arguments; the items follow.
  check(count >= (is_new ? 0 : global.min_args) && count <= global.max_args,
        fmt::format("{} to {} arguments of {}.{}", global.min_args, global.max_args, global.module,
                    global.name)
            .c_str(),
        std::to_string(args.items().size()));
  if (global.call == PickleGlobal::Call::kObject) {
    PickleNode* node = push_node(Kind::kObject);
    node->global = &global;
    node->args = args;
    return;
  }
  PickleNode* node = push_node(Kind::kDict);
  node->global = &global;
  if (count != 1 || !args.items()[0].is(Kind::kList)) return;
  for (const PickleValue& pair : args.items()[0].items()) {
    check(pair.items().size() == 2, "a key and its value", pair.describe());
    add_pairs(top(), pair.items());
  }
}

bool PickleMachine::use_global(char opcode) {
  switch (opcode) {
    case 'c': {
      const std::string_view module = take_line();
      push_global(module, take_line());
      return true;
    }
    case '\x93': {
      const PickleValue name = pop(), module = pop();
      check(module.is(Kind::kStr) && name.is(Kind::kStr), "two strings that name a global",
            module.describe() + " and " + name.describe());
      push_global(module.text, name.text);
      return true;
    }
    case 'R':
    case '\x81':
      call(opcode == '\x81');
      return true;
    case 'b': {
      const PickleValue state = pop();
      PickleValue& object = top();
      check(object.is(Kind::kObject) || (object.is(Kind::kDict) && object.node->global != nullptr),
            "an object below its state", object.describe());
      object.node->state = state;
      return true;
    }
    case 'Q': {
      const PickleValue id = pop();
      push_node(Kind::kPersistent)->args = id;
      return true;
    }
    default:
      return false;
  }
}

}  // namespace iolaus::io
