// The inference runtime, as the session sees it. src/tflm implements it with TFLM; tests/engine
// with a stand-in that needs no library.

#ifndef TFLOPT_SRC_ENGINE_H_
#define TFLOPT_SRC_ENGINE_H_

#include <cstddef>
#include <cstdint>

#include "platform.h"
#include "recorder.h"
#include "status.h"
#include "text.h"

namespace tflopt {

struct TensorData {
  int index = -1;  // in subgraph 0
  void* data = nullptr;
  size_t bytes = 0;
};

struct ArenaUse {
  size_t used = 0;
  size_t head = 0;
  size_t tail = 0;
};

struct EngineOptions {
  const uint8_t* model = nullptr;
  size_t model_bytes = 0;
  Memory arena = {nullptr, 0};
  bool verify = true;
  bool preserve = false;
  bool profile = false;
  Recorder* recorder = nullptr;  // null: nothing is written down
};

class Engine {
 public:
  virtual const char* Name() const = 0;
  virtual const char* Kernels() const = 0;
  virtual const char* Library() const = 0;  // null when nobody knows
  virtual const char* CmsisNn() const = 0;  // as tflopt --cmsis-nn takes it; null when unknown
  virtual size_t OperatorCount() const = 0;

  // Whether the model is one, and all of its operators are known.
  virtual Status Check(const EngineOptions& options, Message* message) = 0;
  // Starts afresh on an arena. Call after Check, as often as wanted.
  virtual Status Allocate(const EngineOptions& options, Message* message) = 0;
  virtual Status Invoke(Message* message) = 0;

  // After Allocate.
  virtual ArenaUse Arena() const = 0;
  virtual size_t InputCount() const = 0;
  virtual size_t OutputCount() const = 0;
  virtual TensorData Input(size_t position) = 0;
  virtual TensorData Output(size_t position) = 0;
  // Any tensor of subgraph 0, with `preserve`; null data when there is none.
  virtual TensorData Tensor(size_t index) = 0;

 protected:
  ~Engine() = default;
};

// The one that is linked.
Engine& LinkedEngine();

}  // namespace tflopt

#endif  // TFLOPT_SRC_ENGINE_H_
