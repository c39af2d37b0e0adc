// Copies ahead: whole and in order, also where the host forgets its side at once.
#include "core/copy_queue.h"

#include <algorithm>

#include "tests/core/io_helpers.h"

using namespace iolaus;

namespace {

Tensor pinned(int64_t count, float value) {
  const Tensor t = empty({count}, {.pinned = true});
  std::fill_n(t.data<float>(), count, value);
  return t;
}

}  // namespace

TEST_CASE("the CPU needs no copies ahead") { CHECK(make_copy_queue(Device()) == nullptr); }

TEST_CASE("sent tensors are received in order, while later ones are under way") {
  if (!is_available(kCUDA)) {
    MESSAGE("skipped: no CUDA device");
    return;
  }
  const Device device(kCUDA, 0);
  const auto queue = make_copy_queue(device);
  REQUIRE(queue != nullptr);
  queue->send({pinned(5000, 0), pinned(0, 0)});
  for (int i = 1; i <= 40; ++i) {
    queue->send({pinned(5000, static_cast<float>(i)), pinned(0, 0)});
    const Tensors received = queue->receive();
    REQUIRE(received.size() == 2);
    CHECK(received[0].device() == device);
    CHECK(received[1].sizes() == Dims{0});
    const auto values = received[0].to_vector<float>();
    CHECK(std::count(values.begin(), values.end(), static_cast<float>(i - 1)) == 5000);
  }
  queue->receive();
  CHECK_THROWS_AS(queue->receive(), Error);
  CHECK_THROWS_AS(queue->send({empty({3})}), Error);
  queue->send({pinned(5000, 7)});  // and never received
}
