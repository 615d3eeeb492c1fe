// The least arena that works, found by trying.

#ifndef TFLOPT_SRC_LEAST_ARENA_H_
#define TFLOPT_SRC_LEAST_ARENA_H_

#include <cstddef>
#include <cstdint>

#include "engine_calls.h"

namespace tflopt {

// Tries arenas in steps of 16 bytes, starting at what the runtime said it used. Assumes that
// allocation works in every arena that is larger than one in which it works. The runtime may
// fault in an arena that is too small.
class LeastArena {
 public:
  // The invocation that has to give the same again.
  struct Reference {
    bool invoke;  // false: allocation alone decides
    platform::File inputs;
    uint32_t outputs_crc;
  };

  LeastArena(GuardedEngine* engine, const EngineOptions& options, const Reference& reference);

  // Searches below the arena of the options, in which the model works; `used` is where to start.
  size_t Find(size_t used);

  uint32_t trials() const { return trials_; }
  uint32_t faults() const { return faults_; }

 private:
  bool Allocates(size_t bytes);
  bool GivesSameOutputs(size_t bytes);
  bool Works(const CallResult& result);

  GuardedEngine& engine_;
  EngineOptions options_;
  Reference reference_;
  size_t fails_ = 0;  // the largest arena that is known not to work
  size_t works_ = 0;  // the least that is known to work
  uint32_t trials_ = 0;
  uint32_t faults_ = 0;
};

}  // namespace tflopt

#endif  // TFLOPT_SRC_LEAST_ARENA_H_
