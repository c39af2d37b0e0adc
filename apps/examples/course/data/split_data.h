// SplitData: the data module behind the course's: images cut into training, validation and test.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "config/instantiate.h"
#include "nn/data/data_module.h"
#include "nn/data/images.h"

namespace course {

/// Parts of a dataset: numbers of samples ([45000, 5000]), shares ([0.9, 0.1]), or the first part's
/// share alone (0.9).
class Split {
 public:
  /// Errors: kConfig with the place where the argument is none of those.
  Split(const iolaus::config::Args& args, const char* name);
  /// `parts` sizes that add up to total; what is left over is nobody's, and comes last.
  /// Errors: kInvalidArgument where more samples are asked for than there are.
  std::vector<int64_t> sizes(int64_t total, size_t parts) const;

 private:
  std::string name_;
  std::vector<double> given_;
};

class SplitData final : public iolaus::nn::data::DataModule {
 public:
  using Load = std::function<iolaus::nn::data::DatasetPtr()>;

  /// With test, split cuts `train` into training and validation; without, also into a test part.
  SplitData(Load train, Load test, Split split, iolaus::nn::data::DataLoaderOptions options);
  void setup() override;
  const iolaus::nn::data::DataLoader* train_loader() override { return train_.get(); }
  const iolaus::nn::data::DataLoader* val_loader() override { return val_.get(); }
  const iolaus::nn::data::DataLoader* test_loader() override;
  const iolaus::nn::data::DataLoader* predict_loader() override { return test_loader(); }

  /// batch_size, num_workers, pin_memory, shuffle and seed, as each of the modules has them.
  static std::vector<iolaus::config::Param> params(std::vector<iolaus::config::Param> own);
  static iolaus::nn::data::DataLoaderOptions options(const iolaus::config::Args& args);

 private:
  std::unique_ptr<iolaus::nn::data::DataLoader> in_order(iolaus::nn::data::DatasetPtr part) const;

  Load load_train_, load_test_;
  Split split_;
  iolaus::nn::data::DataLoaderOptions options_;
  std::unique_ptr<iolaus::nn::data::DataLoader> train_, val_, test_;
};

}  // namespace course
