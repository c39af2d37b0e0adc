// The formats of CIFAR's files. Pickles hold a dict with 'data', an array uint8 (N, 3072), and
// 'labels' or 'fine_labels', a list; binary records are one label (CIFAR-100: coarse and fine) and
// 3,072 bytes: red, green and blue planes.
#include "nn/data/cifar.h"

#include <cstring>

#include "core/io/numpy_pickle.h"
#include "core/warning.h"
#include "nn/data/cifar_files.h"

namespace iolaus::nn::data {
namespace {

using io::PickleValue;
using Kind = PickleValue::Kind;

constexpr size_t kPixels = 3 * 32 * 32;

const std::vector<CifarLayout>& layouts(Cifar kind) {
  static const std::vector<CifarLayout> ten{
      {true,
       "cifar-10-batches-py",
       "cifar-10-python",
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"},
       {"test_batch"},
       {"batches.meta"}},
      {false,
       "cifar-10-batches-bin",
       "cifar-10-binary",
       {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
        "data_batch_5.bin"},
       {"test_batch.bin"},
       {"batches.meta.txt"}}};
  static const std::vector<CifarLayout> hundred{
      {true, "cifar-100-python", "cifar-100-python", {"train"}, {"test"}, {"meta"}},
      {false,
       "cifar-100-binary",
       "cifar-100-binary",
       {"train.bin"},
       {"test.bin"},
       {"fine_label_names.txt"}}};
  return kind == Cifar::k10 ? ten : hundred;
}

// What the files of a part give, one after the other.
struct Collected {
  int64_t num_classes;
  std::vector<Tensor> images;  // uint8 (n, 3072) each
  std::vector<int64_t> labels;

  void add_label(const std::string& file, int64_t label) {
    IOLAUS_CHECK_CODE(label >= 0 && label < num_classes, ErrorCode::kCorrupt,
                      "[cifar] {}: expected labels in [0, {}), got {} for image {}", file,
                      num_classes, label, labels.size());
    labels.push_back(label);
  }
};

const PickleValue& entry(const std::string& file, const PickleValue& dict, const char* key,
                         Kind kind) {
  const PickleValue* value = dict.find(key);
  IOLAUS_CHECK_CODE(value != nullptr && value->is(kind), ErrorCode::kCorrupt,
                    "[cifar] {}: expected {} in a dict, got {} in {}", file, key,
                    value ? value->describe() : "nothing", dict.describe());
  return *value;
}

void read_pickled(const std::string& file, std::string bytes, Collected* out) {
  const io::Pickle pickle(std::move(bytes), file, io::numpy_globals());
  const PickleValue& root = pickle.root();
  const Tensor images = *[&] {
    auto array = io::tensor_of_numpy(entry(file, root, "data", Kind::kObject), file);
    IOLAUS_CHECK_CODE(array && array->dtype() == kUInt8 && array->dim() == 2 &&
                          array->size(1) == kPixels && array->is_contiguous(),
                      ErrorCode::kCorrupt, "[cifar] {}: expected data uint8[N, {}], got {}", file,
                      kPixels, array ? array->describe() : "no array");
    return array;
  }();
  const char* key = out->num_classes == 100 ? "fine_labels" : "labels";
  const auto labels = entry(file, root, key, Kind::kList).items();
  IOLAUS_CHECK_CODE(labels.size() == static_cast<size_t>(images.size(0)), ErrorCode::kCorrupt,
                    "[cifar] {}: expected {} labels, one for each image, got {}", file,
                    images.size(0), labels.size());
  for (const PickleValue& label : labels) {
    IOLAUS_CHECK_CODE(label.is(Kind::kInt), ErrorCode::kCorrupt,
                      "[cifar] {}: expected a label, got {}", file, label.describe());
    out->add_label(file, label.integer);
  }
  out->images.push_back(images);
}

void read_binary(const std::string& file, const std::string& bytes, Collected* out) {
  const size_t label_bytes = out->num_classes == 100 ? 2 : 1, record = label_bytes + kPixels;
  IOLAUS_CHECK_CODE(bytes.size() % record == 0, ErrorCode::kCorrupt,
                    "[cifar] {}: expected records of {} bytes, got {} bytes behind the last", file,
                    record, bytes.size() % record);
  const size_t count = bytes.size() / record;
  const Tensor images =
      empty({static_cast<int64_t>(count), static_cast<int64_t>(kPixels)}, {.dtype = kUInt8});
  for (size_t i = 0; i < count; ++i) {
    const char* from = bytes.data() + i * record + label_bytes;
    out->add_label(file, static_cast<uint8_t>(from[-1]));
    std::memcpy(images.data<uint8_t>() + i * kPixels, from, kPixels);
  }
  out->images.push_back(images);
}

std::vector<std::string> read_names(const CifarFiles& files, int64_t count) {
  const std::string& file = files.layout->names[0];
  const std::string& bytes = files.contents.at(file);
  std::vector<std::string> names;
  if (files.layout->pickled) {
    const io::Pickle pickle(bytes, file, io::numpy_globals());
    const char* key = count == 100 ? "fine_label_names" : "label_names";
    for (const PickleValue& name : entry(file, pickle.root(), key, Kind::kList).items()) {
      IOLAUS_CHECK_CODE(name.is_text(), ErrorCode::kCorrupt,
                        "[cifar] {}: expected a class's name, got {}", file, name.describe());
      names.emplace_back(name.text);
    }
  } else {
    for (size_t begin = 0; begin < bytes.size();) {
      const size_t end = std::min(bytes.find('\n', begin), bytes.size());
      std::string name = bytes.substr(begin, end - begin);
      if (!name.empty() && name.back() == '\r') name.pop_back();
      if (!name.empty()) names.push_back(std::move(name));
      begin = end + 1;
    }
  }
  IOLAUS_CHECK_CODE(names.size() == static_cast<size_t>(count), ErrorCode::kCorrupt,
                    "[cifar] {}: expected {} names of classes, got {}", file, count, names.size());
  return names;
}

Tensor join_images(std::vector<Tensor>* parts, int64_t count) {
  Tensor out = empty({count, 3, 32, 32}, {.dtype = kUInt8});
  auto* to = out.data<uint8_t>();
  for (Tensor& part : *parts) {
    std::memcpy(to, part.raw_data(), part.nbytes());
    to += part.nbytes();
    part = {};
  }
  return out;
}

}  // namespace

Normalization cifar_normalization(Cifar kind) {
  if (kind == Cifar::k10) return {{0.4914f, 0.4822f, 0.4465f}, {0.2470f, 0.2435f, 0.2616f}};
  return {{0.5071f, 0.4865f, 0.4409f}, {0.2673f, 0.2564f, 0.2762f}};
}

CifarImages read_cifar(const std::string& path, Cifar kind, bool train) {
  CifarFiles files = read_cifar_files(path, layouts(kind), train);
  Collected all{kind == Cifar::k10 ? 10 : 100, {}, {}};
  for (const std::string& name : train ? files.layout->train : files.layout->test) {
    const std::string file = files.place + ": " + name;
    std::string bytes = std::move(files.contents.at(name));
    if (files.layout->pickled) {
      read_pickled(file, std::move(bytes), &all);
    } else {
      read_binary(file, bytes, &all);
    }
  }
  const auto count = static_cast<int64_t>(all.labels.size());
  const int64_t official = train ? 50000 : 10000;
  if (count != official) {
    warn("[cifar] {}: {} images, where the official data have {}", files.place, count, official);
  }
  return {join_images(&all.images, count), from_values(all.labels, {count}),
          read_names(files, all.num_classes)};
}

}  // namespace iolaus::nn::data
