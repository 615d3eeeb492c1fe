#include "engine_calls.h"

#include <cstring>

namespace tflopt {
namespace {

// All that passes in and out of a sandboxed call. Sandboxed code can't write the caller's memory.
struct Exchange {
  Engine* engine;
  EngineOptions options;
  platform::File inputs;
  Status status;
  uint64_t cost;
  uint32_t crc;
  Message message;
};

Exchange g_exchange;
Recorder g_recorder;

bool InputsAreIn(const Memory& arena) {
  for (size_t i = 0; i < g_exchange.engine->InputCount(); ++i) {
    const TensorData input = g_exchange.engine->Input(i);
    const uintptr_t data = reinterpret_cast<uintptr_t>(input.data);
    const uintptr_t start = reinterpret_cast<uintptr_t>(arena.data);
    if (data < start || data - start > arena.bytes) return false;
    if (input.bytes > arena.bytes - (data - start)) return false;
  }
  return true;
}

}  // namespace

Status StatusOf(platform::Trap trap) {
  switch (trap) {
    case platform::Trap::kStackOverflow:
      return Status::kStackOverflow;
    case platform::Trap::kWatchdog:
      return Status::kWatchdog;
    case platform::Trap::kAborted:
      return Status::kAborted;
    case platform::Trap::kNone:
    case platform::Trap::kFault:
      break;
  }
  return Status::kFault;
}

Recorder& SharedRecorder() { return g_recorder; }

bool FillInputs(Engine* engine, platform::File inputs) {
  for (size_t i = 0; i < engine->InputCount(); ++i) {
    const TensorData input = engine->Input(i);
    if (inputs == platform::kNoFile) {
      std::memset(input.data, 0, input.bytes);
    } else if (!platform::ReadExactly(inputs, input.data, input.bytes)) {
      return false;
    }
  }
  return true;
}

uint32_t OutputsCrc(Engine* engine, uint32_t crc) {
  for (size_t i = 0; i < engine->OutputCount(); ++i) {
    const TensorData output = engine->Output(i);
    crc = Crc32(crc, output.data, output.bytes);
  }
  return crc;
}

void GuardedEngine::DoCheck(void*) {
  g_exchange.status = g_exchange.engine->Check(g_exchange.options, &g_exchange.message);
}

void GuardedEngine::DoAllocate(void*) {
  g_exchange.status = g_exchange.engine->Allocate(g_exchange.options, &g_exchange.message);
}

void GuardedEngine::DoInvoke(void*) {
  const uint64_t start = platform::ReadCounter();
  g_exchange.status = g_exchange.engine->Invoke(&g_exchange.message);
  g_exchange.cost = platform::ReadCounter() - start;
}

void GuardedEngine::DoTryInvoke(void*) {
  g_exchange.status = Status::kInvokeFailed;
  if (!InputsAreIn(g_exchange.options.arena)) return;
  if (!FillInputs(g_exchange.engine, g_exchange.inputs)) return;
  g_exchange.status = g_exchange.engine->Invoke(&g_exchange.message);
  if (g_exchange.status == Status::kOk) g_exchange.crc = OutputsCrc(g_exchange.engine, 0);
}

CallResult GuardedEngine::TryInvoke(const EngineOptions& options, platform::File inputs) {
  if (inputs != platform::kNoFile && !platform::Seek(inputs, 0)) {
    CallResult failed;
    failed.status = Status::kIoFailed;
    return failed;
  }
  g_exchange.inputs = inputs;
  return Call(DoTryInvoke, options);
}

CallResult GuardedEngine::Call(platform::Function function, const EngineOptions& options) {
  g_exchange.engine = engine_;
  g_exchange.options = options;
  g_exchange.message.Clear();
  CallResult result;
  result.trap = platform::RunSandboxed(function, nullptr, limit_ms_);
  const bool trapped = result.trap.trap != platform::Trap::kNone;
  result.status = trapped ? StatusOf(result.trap.trap) : g_exchange.status;
  result.cost = g_exchange.cost;
  result.crc = g_exchange.crc;
  result.message = g_exchange.message.data();
  return result;
}

}  // namespace tflopt
