// to_string(Tensor), with the layout of PyTorch's tensors: the elements that will be visible are
// read to the host in row-major order, one format (integers, fixed or scientific, one width) is
// chosen from all of them, and the brackets are laid around the finished words.
#include <cmath>
#include <cstring>

#include "core/call_context.h"
#include "core/tensor.h"

namespace iolaus {
namespace {

constexpr int64_t kThreshold = 1000;  // more elements are summarised
constexpr int64_t kEdge = 3;          // to this many at each end of a dimension
constexpr size_t kLineWidth = 80;
constexpr const char* kPrefix = "tensor(";

// The elements that are shown; floating ones as numbers, others already as words.
struct Visible {
  std::vector<double> numbers;
  std::vector<std::string> words;
};

template <class T> void append_element(T value, Visible* out) {
  if constexpr (std::is_same_v<T, bool>) {
    out->words.emplace_back(value ? "True" : "False");
  } else if constexpr (std::is_integral_v<T>) {
    out->words.push_back(std::to_string(value));
  } else {
    out->numbers.push_back(static_cast<double>(static_cast<MathType<T>>(value)));
  }
}

class Printer {
 public:
  explicit Printer(const Tensor& tensor)
      : tensor_(tensor), summarize_(tensor.numel() > kThreshold) {
    collect(0, tensor.offset());
    if (is_floating(tensor.dtype())) format_numbers();
    for (const std::string& word : visible_.words) width_ = std::max(width_, word.size());
    // An infinity or NaN among whole numbers is not padded for: the width is that of the finite.
    if (is_floating(tensor.dtype())) width_ = number_width_;
    for (std::string& word : visible_.words) {
      if (word.size() < width_) word.insert(0, width_ - word.size(), ' ');
    }
  }

  std::string str() { return print(0, std::strlen(kPrefix)); }

 private:
  bool is_cut(int dim) const { return summarize_ && tensor_.sizes()[dim] > 2 * kEdge; }

  // Calls fn(index) for the shown indices of a dimension.
  template <class Fn> void for_each_shown(int dim, Fn&& fn) const {
    const int64_t size = tensor_.sizes()[dim];
    for (int64_t i = 0; i < size; ++i) {
      if (is_cut(dim) && i == kEdge) i = size - kEdge;
      fn(i);
    }
  }

  void collect(int dim, int64_t position) {
    if (dim == tensor_.dim()) return read(position);
    for_each_shown(dim,
                   [&](int64_t i) { collect(dim + 1, position + i * tensor_.strides()[dim]); });
  }

  void read(int64_t position) {
    const size_t size = item_size(tensor_.dtype());
    const auto* data = static_cast<const char*>(tensor_.storage()->data());
    char bytes[8];
    const OpScope scope("to_string");
    copy_bytes(bytes, Device(), data + static_cast<size_t>(position) * size, tensor_.device(),
               size);
    visit_dtype(AllTypes{}, "to_string", tensor_.dtype(), [&]<class T>() {
      T value;
      std::memcpy(&value, bytes, sizeof value);
      append_element(value, &visible_);
    });
  }

  // PyTorch's rule: whole numbers get a bare point; scientific where the magnitudes span more than
  // 1000, exceed 1e8 or fall below 1e-4.
  void format_numbers() {
    bool whole = true;
    double smallest = INFINITY, largest = 0;
    for (double x : visible_.numbers) {
      if (!std::isfinite(x) || x == 0) continue;
      whole = whole && x == std::ceil(x);
      smallest = std::min(smallest, std::abs(x));
      largest = std::max(largest, std::abs(x));
    }
    const bool scientific =
        largest > 0 && (largest / smallest > 1000.0 || largest > 1e8 || smallest < 1e-4);
    for (double x : visible_.numbers) {
      std::string word = scientific ? fmt::format("{:.4e}", x)
                         : whole    ? fmt::format("{:.0f}", x)
                                    : fmt::format("{:.4f}", x);
      if (std::isnan(x)) word = "nan";
      if (whole && !scientific && std::isfinite(x)) word += '.';
      if (std::isfinite(x) && x != 0) number_width_ = std::max(number_width_, word.size());
      visible_.words.push_back(std::move(word));
    }
  }

  std::string print(int dim, size_t indent) {
    if (dim == tensor_.dim()) return visible_.words[next_++];
    if (dim == tensor_.dim() - 1) return print_row(dim, indent);
    std::string separator = ",";
    separator.append(static_cast<size_t>(tensor_.dim() - dim - 1), '\n').append(indent + 1, ' ');
    std::string text = "[";
    for_each_shown(dim, [&](int64_t i) {
      if (i > 0) text += separator;
      if (is_cut(dim) && i == tensor_.sizes()[dim] - kEdge) text.append("...").append(separator);
      text += print(dim + 1, indent + 1);
    });
    return text + "]";
  }

  std::string print_row(int dim, size_t indent) {
    const size_t room = kLineWidth > indent ? kLineWidth - indent : 0;
    const size_t per_line = std::max<size_t>(1, room / (width_ + 2));
    size_t shown = 0;
    std::string text = "[";
    const auto append = [&](const std::string& word) {
      if (shown > 0) text += ",";
      if (shown > 0 && shown % per_line == 0) {
        text.append(1, '\n').append(indent + 1, ' ');
      } else if (shown > 0) {
        text += ' ';
      }
      text += word;
      ++shown;
    };
    for_each_shown(dim, [&](int64_t i) {
      if (is_cut(dim) && i == tensor_.sizes()[dim] - kEdge) append(" ...");
      append(visible_.words[next_++]);
    });
    return text + "]";
  }

  const Tensor& tensor_;
  bool summarize_;
  Visible visible_;
  size_t width_ = 1;
  size_t number_width_ = 1;
  size_t next_ = 0;  // the word that print() takes next
};

// "size=(2, 0)", as Python writes tuples.
std::string size_suffix(const Dims& sizes) {
  std::string text = "size=(";
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(sizes[i]);
  }
  return text + (sizes.size() == 1 ? ",)" : ")");
}

std::vector<std::string> suffixes(const Tensor& t) {
  std::vector<std::string> list;
  if (!t.device().is_cpu()) list.push_back("device='" + t.device().str() + "'");
  if (t.numel() == 0 && t.dim() != 1) list.push_back(size_suffix(t.sizes()));
  const bool plain =
      t.dtype() == kFloat32 || (t.numel() > 0 && (t.dtype() == kInt64 || t.dtype() == kBool));
  if (!plain) list.push_back(std::string("dtype=torch.") + dtype_name(t.dtype()));
  if (t.requires_grad()) list.emplace_back("requires_grad=True");
  return list;
}

}  // namespace

std::string to_string(const Tensor& tensor) {
  if (!tensor.defined()) return "tensor(undefined)";
  std::string text = kPrefix + (tensor.numel() == 0 ? "[]" : Printer(tensor).str());
  // PyTorch counts the last line as two longer than it is. (npos + 1 is 0.)
  size_t line = text.size() - (text.rfind('\n') + 1) + 2;
  for (const std::string& suffix : suffixes(tensor)) {
    if (line + suffix.size() + 2 > kLineWidth) {
      text += ",\n" + std::string(std::strlen(kPrefix), ' ') + suffix;
      line = std::strlen(kPrefix) + suffix.size();
    } else {
      text += ", " + suffix;
      line += suffix.size() + 2;
    }
  }
  return text + ")";
}

}  // namespace iolaus
