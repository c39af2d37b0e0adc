// Pickles of any bytes, with the globals of torch.save and numpy; arrays in them become tensors.
#include "core/io/numpy_pickle.h"
#include "core/io/torch_globals.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace iolaus;
  fuzz::expect_value_or_refusal([&] {
    const io::Pickle pickle(std::string(fuzz::as_text(data, size)), "memory", io::torch_globals());
    pickle.root().describe();
    const auto visit = [&](const io::PickleValue& value) {
      value.describe();
      value.find("state_dict");
      if (const auto array = io::tensor_of_numpy(value, "memory")) to_string(*array);
    };
    visit(pickle.root());
    for (const io::PickleValue& item : pickle.root().items()) visit(item);
  });
  return 0;
}
