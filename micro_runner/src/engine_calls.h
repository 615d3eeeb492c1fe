// Calls of the engine that can't harm the runner, whatever the engine does.

#ifndef TFLOPT_SRC_ENGINE_CALLS_H_
#define TFLOPT_SRC_ENGINE_CALLS_H_

#include <cstddef>
#include <cstdint>

#include "engine.h"
#include "platform.h"
#include "status.h"

namespace tflopt {

// What a call gave. `status` is kOk when the engine says so; with a trap it is the trap's.
struct CallResult {
  Status status = Status::kOk;
  platform::TrapInfo trap;
  uint64_t cost = 0;  // of Invoke
  uint32_t crc = 0;   // of TryInvoke: the outputs'
  const char* message = "";
};

class GuardedEngine {
 public:
  // `limit_ms` is for each call.
  GuardedEngine(Engine* engine, uint32_t limit_ms) : engine_(engine), limit_ms_(limit_ms) {}

  CallResult Check(const EngineOptions& options) { return Call(DoCheck, options); }
  CallResult Allocate(const EngineOptions& options) { return Call(DoAllocate, options); }
  CallResult Invoke() { return Call(DoInvoke, EngineOptions()); }
  // Fills the inputs from a file's start, or with zeros, and invokes; for engines that were
  // allocated in an arena that may have been too small.
  CallResult TryInvoke(const EngineOptions& options, platform::File inputs);

 private:
  static void DoCheck(void*);
  static void DoAllocate(void*);
  static void DoInvoke(void*);
  static void DoTryInvoke(void*);
  CallResult Call(platform::Function function, const EngineOptions& options);

  Engine* engine_;
  uint32_t limit_ms_;
};

// Fills the inputs from where a file stands; with zeros when there is none.
bool FillInputs(Engine* engine, platform::File inputs);

// The CRC of the outputs as they are, continued from `crc`.
uint32_t OutputsCrc(Engine* engine, uint32_t crc);

// The status that a trap means.
Status StatusOf(platform::Trap trap);

// The recorder that engines write to.
Recorder& SharedRecorder();

}  // namespace tflopt

#endif  // TFLOPT_SRC_ENGINE_CALLS_H_
