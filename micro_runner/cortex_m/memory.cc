// The board's memories, and how much of the stack is used.

#include "cortex_m/board.h"
#include "cortex_m/layout.h"
#include "platform.h"

namespace tflopt {
namespace platform {
namespace {

constexpr uint32_t kPaint = 0xA5C3965A;

}  // namespace

const char* BoardName() { return kBoard.name; }
const char* CoreName() { return kBoard.core; }

Memory ModelMemory() {
  return {tflopt_model_start, static_cast<size_t>(tflopt_model_end - tflopt_model_start)};
}

Memory ArenaMemory() {
  return {tflopt_arena_start, static_cast<size_t>(tflopt_arena_end - tflopt_arena_start)};
}

void PaintStack() {
  volatile uint32_t* word = reinterpret_cast<uint32_t*>(tflopt_stack_start);
  for (; word != reinterpret_cast<uint32_t*>(tflopt_stack_end); word = word + 1) *word = kPaint;
}

size_t StackUsed() {
  const volatile uint32_t* word = reinterpret_cast<uint32_t*>(tflopt_stack_start);
  const uint32_t* const end = reinterpret_cast<uint32_t*>(tflopt_stack_end);
  while (word != end && *word == kPaint) ++word;
  return static_cast<size_t>(end - word) * sizeof(uint32_t);
}

size_t StackLimit() { return static_cast<size_t>(tflopt_stack_end - tflopt_stack_start); }

}  // namespace platform
}  // namespace tflopt
