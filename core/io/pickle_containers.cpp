// Lists, tuples, dicts and sets: the opcodes that make and fill them, and those that move the
// stack.
#include "core/io/pickle_machine.h"

namespace iolaus::io {

bool PickleMachine::make_container(char opcode) {
  switch (opcode) {
    case '(':
      if (marks_.size() == highest_marks_) {
        ++highest_marks_;
        pay(kMarkCost);
      }
      marks_.push_back(stack_.size());
      return true;
    case ']':
      push_node(Kind::kList);
      return true;
    case ')':
      push_node(Kind::kTuple);
      return true;
    case '}':
      push_node(Kind::kDict);
      return true;
    case '\x8f':
      push_node(Kind::kSet);
      return true;
    case 'l':
      push_node(Kind::kList, pop_to_mark());
      return true;
    case 't':
      push_node(Kind::kTuple, pop_to_mark());
      return true;
    case '\x91':
      push_node(Kind::kSet, pop_to_mark());
      return true;
    case '\x85':
    case '\x86':
    case '\x87':
      push_node(Kind::kTuple, pop_values(static_cast<size_t>(opcode - '\x84')));
      return true;
    case 'd': {
      const std::vector<PickleValue> pairs = pop_to_mark();
      push_node(Kind::kDict);
      add_pairs(top(), pairs);
      return true;
    }
    default:
      return false;
  }
}

void PickleMachine::add_pairs(PickleValue& dict, std::span<const PickleValue> pairs) {
  check(dict.is(Kind::kDict), "a dict below the items", dict.describe());
  check(pairs.size() % 2 == 0, "a value for each key",
        fmt::format("{} keys and values", pairs.size()));
  for (size_t i = 0; i < pairs.size(); i += 2) {
    const bool hashable =
        !pairs[i].is(Kind::kList) && !pairs[i].is(Kind::kDict) && !pairs[i].is(Kind::kSet);
    check(hashable, "a key that can be hashed", pairs[i].describe());
  }
  pay(kValueCost * pairs.size());
  dict.node->items.insert(dict.node->items.end(), pairs.begin(), pairs.end());
}

void PickleMachine::append(PickleValue& list, Kind kind, std::span<const PickleValue> values) {
  check(list.is(kind), kind == Kind::kList ? "a list below the items" : "a set below the items",
        list.describe());
  pay(kValueCost * values.size());
  list.node->items.insert(list.node->items.end(), values.begin(), values.end());
}

bool PickleMachine::change_container(char opcode) {
  switch (opcode) {
    case 'a': {
      const PickleValue value = pop();
      append(top(), Kind::kList, {&value, 1});
      return true;
    }
    case 'e':
    case '\x90': {
      const std::vector<PickleValue> values = pop_to_mark();
      append(top(), opcode == 'e' ? Kind::kList : Kind::kSet, values);
      return true;
    }
    case 's': {
      const std::vector<PickleValue> pair = pop_values(2);
      add_pairs(top(), pair);
      return true;
    }
    case 'u': {
      const std::vector<PickleValue> pairs = pop_to_mark();
      add_pairs(top(), pairs);
      return true;
    }
    case '0':
      if (stack_.size() == base() && !marks_.empty()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case '1':
      check(!marks_.empty(), "a mark on the stack", "none");
      stack_.resize(marks_.back());
      marks_.pop_back();
      return true;
    case '2':
      push(top());
      return true;
    default:
      return false;
  }
}

}  // namespace iolaus::io
