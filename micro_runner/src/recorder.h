// What an engine writes down about a model: memory plan, scratch requests, costs.

#ifndef TFLOPT_SRC_RECORDER_H_
#define TFLOPT_SRC_RECORDER_H_

#include <cstddef>
#include <cstdint>

namespace tflopt {

// A list with room for a fixed number of items; what doesn't fit is dropped and remembered.
template <typename Item, size_t kCapacity>
class Records {
 public:
  void Clear() {
    count_ = 0;
    truncated_ = false;
  }
  Item* Add() {
    if (count_ == kCapacity) {
      truncated_ = true;
      return nullptr;
    }
    items_[count_] = Item();
    return &items_[count_++];
  }
  Item* At(size_t index) { return index < count_ ? &items_[index] : nullptr; }
  size_t size() const { return count_; }
  bool truncated() const { return truncated_; }
  const Item* begin() const { return items_; }
  const Item* end() const { return items_ + count_; }

 private:
  Item items_[kCapacity];
  size_t count_ = 0;
  bool truncated_ = false;
};

// A buffer as the runtime asked its planner for it. All zero at first, so that the lists cost no
// space in the image.
struct PlannedBuffer {
  int32_t size = 0;
  int32_t first_use = 0;
  int32_t last_use = 0;
  int32_t offset = 0;
  bool offline = false;  // placed by the model's own plan
  bool scratch = false;
  // The tensor that lives in it; for scratch, -1 and the position of its request.
  int32_t subgraph = 0;
  int32_t where = 0;
};

struct ScratchRequest {
  int32_t subgraph = 0;
  int32_t op = 0;
  uint32_t bytes = 0;
};

struct OperatorCost {
  const char* name = nullptr;
  uint64_t cost = 0;
};

struct Recorder {
  Records<PlannedBuffer, 4096> buffers;
  Records<ScratchRequest, 2048> scratch;
  Records<OperatorCost, 4096> operators;
};

}  // namespace tflopt

#endif  // TFLOPT_SRC_RECORDER_H_
