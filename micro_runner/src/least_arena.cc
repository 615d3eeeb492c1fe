#include "least_arena.h"

namespace tflopt {
namespace {

constexpr size_t kStep = 16;

size_t RoundUp(size_t bytes) { return (bytes + kStep - 1) / kStep * kStep; }

}  // namespace

LeastArena::LeastArena(GuardedEngine* engine, const EngineOptions& options,
                       const Reference& reference)
    : engine_(*engine), options_(options), reference_(reference) {
  options_.recorder = nullptr;
  options_.profile = false;
}

bool LeastArena::Works(const CallResult& result) {
  if (result.trap.trap != platform::Trap::kNone) ++faults_;
  return result.status == Status::kOk;
}

bool LeastArena::Allocates(size_t bytes) {
  ++trials_;
  options_.arena.bytes = bytes;
  const bool works = Works(engine_.Allocate(options_));
  (works ? works_ : fails_) = bytes;
  return works;
}

bool LeastArena::GivesSameOutputs(size_t bytes) {
  options_.arena.bytes = bytes;
  if (!Works(engine_.Allocate(options_))) return false;
  if (!reference_.invoke) return true;
  const CallResult result = engine_.TryInvoke(options_, reference_.inputs);
  return Works(result) && result.crc == reference_.outputs_crc;
}

size_t LeastArena::Find(size_t used) {
  const size_t largest = options_.arena.bytes / kStep * kStep;
  works_ = largest;
  // What the runtime says it used is nearly always the answer, and 16 bytes less the proof.
  size_t probe = RoundUp(used);
  for (size_t step = kStep; probe < largest && !Allocates(probe); step *= 2) probe += step;
  for (size_t step = kStep; fails_ == 0 && works_ > step; step *= 2) {
    if (!Allocates(works_ - step)) break;
  }
  while (works_ - fails_ > kStep) Allocates((fails_ + works_) / 2 / kStep * kStep);
  // Memory that overlapped shows in the outputs only.
  while (works_ < largest && !GivesSameOutputs(works_)) works_ += kStep;
  return works_;
}

}  // namespace tflopt
