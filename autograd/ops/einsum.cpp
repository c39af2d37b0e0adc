// einsum: every operand is brought to the same order of letters; a pair is one batched product
// whose columns are the letters that are summed.
#include <algorithm>
#include <map>

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/view.h"

namespace iolaus {
namespace {

// Letters of one operand; the dimensions that "..." stands for are digits and more, from the right.
using Letters = std::vector<int>;

struct Equation {
  std::vector<Letters> operands;
  Letters result;
};

constexpr int kDots = 256;  // kDots + i: the i-th dimension of "...", counted from the right

[[noreturn]] void bad(const std::string& equation, const std::string& problem) {
  fail(ErrorCode::kInvalidArgument, "[einsum] '{}': {}", equation, problem);
}

Letters parse_term(const std::string& equation, std::string_view term, int dots) {
  Letters letters;
  bool seen_dots = false;
  for (size_t i = 0; i < term.size(); ++i) {
    if (term.substr(i, 3) == "...") {
      if (seen_dots) bad(equation, "'...' is there twice in one term");
      seen_dots = true;
      for (int k = dots - 1; k >= 0; --k) letters.push_back(kDots + k);
      i += 2;
    } else if (std::isalpha(static_cast<unsigned char>(term[i]))) {
      letters.push_back(term[i]);
    } else {
      bad(equation, fmt::format("expected a letter or '...', got '{}'", term[i]));
    }
  }
  return letters;
}

Equation parse(const std::string& text, const Tensors& operands) {
  std::string equation;
  std::copy_if(text.begin(), text.end(), std::back_inserter(equation),
               [](char c) { return c != ' '; });
  const size_t arrow = equation.find("->");
  const std::string left = equation.substr(0, arrow);
  std::vector<std::string> terms{""};
  for (char c : left) {
    if (c == ',') {
      terms.emplace_back();
    } else {
      terms.back() += c;
    }
  }
  if (terms.size() != operands.size()) {
    bad(text, fmt::format("it has {} terms for {} operands", terms.size(), operands.size()));
  }
  Equation parsed;
  std::map<int, int> counts;
  int most_dots = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    const bool has_dots = terms[i].find("...") != std::string::npos;
    const int named = static_cast<int>(terms[i].size()) - (has_dots ? 3 : 0);
    const int dots = has_dots ? static_cast<int>(operands[i].dim()) - named : 0;
    if (dots < 0 || named + dots != operands[i].dim()) {
      bad(text, fmt::format("term '{}' does not fit operand {}, {}", terms[i], i,
                            operands[i].describe()));
    }
    most_dots = std::max(most_dots, dots);
    parsed.operands.push_back(parse_term(text, terms[i], dots));
    for (int letter : parsed.operands.back()) ++counts[letter];
  }
  if (arrow != std::string::npos) {
    parsed.result = parse_term(text, std::string_view(equation).substr(arrow + 2), most_dots);
  } else {  // "..." first, then what appears once, in alphabetical order
    for (int k = most_dots - 1; k >= 0; --k) parsed.result.push_back(kDots + k);
    for (const auto& [letter, count] : counts) {
      if (letter < kDots && count == 1) parsed.result.push_back(letter);
    }
  }
  for (size_t i = 0; i < parsed.result.size(); ++i) {
    const int letter = parsed.result[i];
    if (letter < kDots && !counts.contains(letter)) {
      bad(text, fmt::format("'{}' of the result is in no operand", static_cast<char>(letter)));
    }
    if (std::count(parsed.result.begin(), parsed.result.end(), letter) > 1) {
      bad(text, fmt::format("'{}' is there twice in the result", static_cast<char>(letter)));
    }
  }
  return parsed;
}

struct Term {
  Tensor x;
  Letters letters;
  int64_t place(int letter) const {
    const auto at = std::find(letters.begin(), letters.end(), letter);
    return at == letters.end() ? -1 : at - letters.begin();
  }
};

// Repeated letters become the diagonal.
void take_diagonals(const std::string& equation, Term& term) {
  for (size_t i = 0; i < term.letters.size(); ++i) {
    for (size_t j = term.letters.size() - 1; j > i; --j) {
      if (term.letters[i] != term.letters[j]) continue;
      if (term.x.sizes()[i] != term.x.sizes()[j]) {
        bad(equation, "a repeated letter has two sizes in " + term.x.describe());
      }
      const int letter = term.letters[i];
      term.x = diagonal(term.x, 0, static_cast<int64_t>(i), static_cast<int64_t>(j));
      term.letters.erase(term.letters.begin() + static_cast<std::ptrdiff_t>(j));
      term.letters.erase(term.letters.begin() + static_cast<std::ptrdiff_t>(i));
      term.letters.push_back(letter);
      i = static_cast<size_t>(-1);
      break;
    }
  }
}

// Sums over letters that neither the others nor the result need.
void sum_away(Term& term, const Letters& needed) {
  Dims dims;
  Letters rest;
  for (size_t d = 0; d < term.letters.size(); ++d) {
    if (std::find(needed.begin(), needed.end(), term.letters[d]) == needed.end()) {
      dims.push_back(static_cast<int64_t>(d));
    } else {
      rest.push_back(term.letters[d]);
    }
  }
  if (!dims.empty()) term.x = to(sum(term.x, dims), term.x.dtype());
  term.letters = rest;
}

// The dimensions of the letters in this order, sizes of 1 where they are missing.
Tensor ordered(const Term& term, const Letters& letters) {
  Dims order;
  Tensor x = term.x;
  for (int letter : letters) {
    int64_t place = term.place(letter);
    if (place < 0) {
      place = x.dim();
      x = unsqueeze(x, -1);
    }
    order.push_back(place);
  }
  return permute(x, order);
}

Tensor as_matrices(const Tensor& x, size_t batch, size_t rows) {
  int64_t sizes[3] = {1, 1, 1};
  for (size_t d = 0; d < x.sizes().size(); ++d) {
    sizes[d < batch ? 0 : d < batch + rows ? 1 : 2] *= x.sizes()[d];
  }
  return reshape(x, {sizes[0], sizes[1], sizes[2]});
}

// a and b joined; letters that later terms and the result do not need are summed over.
Term joined(const std::string& equation, Term a, Term b, const Letters& needed) {
  Letters batch, left, right, summed;
  const auto size_of = [](const Term& t, int letter) {
    const int64_t place = t.place(letter);
    return place < 0 ? int64_t{1} : t.x.sizes()[static_cast<size_t>(place)];
  };
  Letters all = a.letters;
  for (int letter : b.letters) {
    if (a.place(letter) < 0) all.push_back(letter);
  }
  for (int letter : all) {
    const int64_t na = size_of(a, letter), nb = size_of(b, letter);
    if (na != nb && na != 1 && nb != 1) {
      bad(equation, fmt::format("a letter has sizes {} and {}", na, nb));
    }
    const bool keep = std::find(needed.begin(), needed.end(), letter) != needed.end();
    const bool both = a.place(letter) >= 0 && b.place(letter) >= 0;
    if (both && keep) {
      batch.push_back(letter);
    } else if (both) {
      summed.push_back(letter);
    } else {
      (a.place(letter) >= 0 ? left : right).push_back(letter);
    }
  }
  Dims sizes;
  const auto in_order = [](Letters first, const Letters& second, const Letters& third) {
    first.insert(first.end(), second.begin(), second.end());
    first.insert(first.end(), third.begin(), third.end());
    return first;
  };
  const auto widened = [&](const Term& t, const Letters& letters) {
    Tensor x = ordered(t, letters);
    Dims wide = x.sizes();
    for (size_t d = 0; d < letters.size(); ++d) {
      const bool shared = a.place(letters[d]) >= 0 && b.place(letters[d]) >= 0;
      if (shared) wide[d] = std::max(size_of(a, letters[d]), size_of(b, letters[d]));
      if (shared && (size_of(a, letters[d]) == 0 || size_of(b, letters[d]) == 0)) wide[d] = 0;
    }
    return expand(x, wide);
  };
  const Tensor wide_a = widened(a, in_order(batch, left, summed));
  const Tensor wide_b = widened(b, in_order(batch, summed, right));
  for (size_t d = 0; d < batch.size() + left.size(); ++d) sizes.push_back(wide_a.sizes()[d]);
  for (size_t d = batch.size() + summed.size(); d < wide_b.sizes().size(); ++d) {
    sizes.push_back(wide_b.sizes()[d]);
  }
  const Tensor product = bmm(as_matrices(wide_a, batch.size(), left.size()),
                             as_matrices(wide_b, batch.size(), summed.size()));
  return {reshape(product, sizes), in_order(batch, left, right)};
}

const bool kBoxed = boxed("einsum(str equation, Tensor[] operands) -> Tensor", einsum);
const bool kSamples = register_op(
    {"einsum", [] {
       const auto with = [](const char* equation) {
         return [equation](const Tensors& x) { return einsum(equation, x); };
       };
       return std::vector<OpSample>{
           {"matrices", {sample64({2, 3}, 1), sample64({3, 4}, 2)}, with("ij,jk->ik")},
           {"batch", {sample64({2, 2, 3}, 1), sample64({2, 3, 4}, 2)}, with("...ij,...jk->...ki")},
           {"trace", {sample64({3, 3}, 3)}, with("ii")},
           {"three",
            {sample64({2, 3}, 1), sample64({3, 2}, 2), sample64({3, 2}, 3)},
            with("ab,bc,bd->ad")}};
     }});

}  // namespace

Tensor einsum(const std::string& equation, const Tensors& operands) {
  if (autocast::on()) return autocast::call("einsum", einsum, equation, operands);
  IOLAUS_CHECK(!operands.empty(), "[einsum] expected at least one operand");
  const Equation parsed = parse(equation, operands);
  std::vector<Term> terms;
  for (size_t i = 0; i < operands.size(); ++i) {
    terms.push_back({operands[i], parsed.operands[i]});
    take_diagonals(equation, terms.back());
  }
  Term all = terms[0];
  for (size_t i = 0; i < terms.size(); ++i) {
    Letters needed = parsed.result;
    for (size_t j = i + 1; j < terms.size(); ++j) {
      needed.insert(needed.end(), terms[j].letters.begin(), terms[j].letters.end());
    }
    if (i > 0) all = joined(equation, all, terms[i], needed);
    sum_away(all, needed);
  }
  return ordered(all, parsed.result);
}

}  // namespace iolaus
