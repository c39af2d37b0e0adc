// Cutting a dataset, and loaders of its parts.
#include "data/split_data.h"

#include <cmath>

namespace course {

using namespace iolaus;
using P = config::ParamType;

Split::Split(const config::Args& args, const char* name) : name_(name) {
  const config::Node& node = args.node(name);
  if (node.is_null()) {
    given_ = {1.0};
  } else if (node.is_float()) {
    given_ = {node.as_float()};
  } else if (node.is_list()) {
    given_ = args.get<std::vector<double>>(name);
  } else {
    args.fail_about(name, "expected a list of sizes or shares, or one share, got " + node.repr());
  }
  for (const double x : given_) {
    if (!(x >= 0)) args.fail_about(name, "sizes must not be negative, got " + node.repr());
  }
}

std::vector<int64_t> Split::sizes(int64_t total, size_t parts) const {
  double sum = 0;
  for (const double x : given_) sum += x;
  const bool shares = sum <= 1 + 1e-9;
  IOLAUS_CHECK(given_.size() <= parts, "[data] {} has {} parts, at most {} are used", name_,
               given_.size(), parts);
  std::vector<int64_t> out;
  int64_t used = 0;
  for (const double x : given_) {
    out.push_back(shares ? static_cast<int64_t>(x * static_cast<double>(total) + 1e-6)
                         : std::llround(x));
    used += out.back();
  }
  IOLAUS_CHECK(used <= total, "[data] {} asks for {} samples, there are {}", name_, used, total);
  // One share names the first part; the second has the rest.
  if (shares && given_.size() == 1 && parts > 1) out.push_back(total - used), used = total;
  out.resize(parts, 0);
  out.push_back(total - used);
  return out;
}

SplitData::SplitData(Load train, Load test, Split split, nn::data::DataLoaderOptions options)
    : load_train_(std::move(train)),
      load_test_(std::move(test)),
      split_(std::move(split)),
      options_(options) {}

std::unique_ptr<nn::data::DataLoader> SplitData::in_order(nn::data::DatasetPtr part) const {
  nn::data::DataLoaderOptions options = options_;
  options.shuffle = false;
  return std::make_unique<nn::data::DataLoader>(std::move(part), options);
}

void SplitData::setup() {
  if (train_) return;
  const nn::data::DatasetPtr all = load_train_();
  const std::vector<int64_t> sizes = split_.sizes(all->size(), load_test_ ? 2 : 3);
  const auto parts = nn::data::random_split(all, sizes, options_.seed);
  train_ = std::make_unique<nn::data::DataLoader>(parts[0], options_);
  if (sizes[1] > 0) val_ = in_order(parts[1]);
  if (!load_test_ && sizes[2] > 0) test_ = in_order(parts[2]);
}

const nn::data::DataLoader* SplitData::test_loader() {
  if (!test_ && load_test_) test_ = in_order(load_test_());
  if (!test_) setup();
  return test_.get();
}

std::vector<config::Param> SplitData::params(std::vector<config::Param> own) {
  own.insert(own.end(),
             {{"batch_size", P::kInt, "samples in a batch", 64},
              {"num_workers", P::kInt, "threads that make batches ahead", 0},
              {"pin_memory", P::kBool, "accepted; copies to a GPU overlap anyway", false},
              {"shuffle", P::kBool, "another order in each epoch", true},
              {"seed", P::kInt, "of order and split", 42}});
  return own;
}

nn::data::DataLoaderOptions SplitData::options(const config::Args& a) {
  return {.batch_size = a.get<int64_t>("batch_size"),
          .shuffle = a.get<bool>("shuffle"),
          .num_workers = a.get<int>("num_workers"),
          .seed = static_cast<uint64_t>(a.get<int64_t>("seed"))};
}

}  // namespace course
