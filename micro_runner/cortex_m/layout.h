// Symbols of sections.ld, and the parts of the platform that know each other.

#ifndef TFLOPT_CORTEX_M_LAYOUT_H_
#define TFLOPT_CORTEX_M_LAYOUT_H_

#include <cstddef>
#include <cstdint>

extern "C" {
extern uint32_t tflopt_bss_start[];
extern uint32_t tflopt_bss_end[];
extern uint32_t tflopt_runner_bss_start[];
extern uint32_t tflopt_runner_bss_end[];
// The runner's own data and stack, which sandboxed code can't write.
extern uint8_t tflopt_protected_start[];
extern uint8_t tflopt_protected_end[];
extern uint8_t tflopt_runner_stack_start[];
extern uint8_t tflopt_runner_stack_end[];
// The stack of sandboxed code, and the guard below it.
extern uint8_t tflopt_guard_start[];
extern uint8_t tflopt_stack_start[];
extern uint8_t tflopt_stack_end[];
extern uint8_t tflopt_handler_stack_end[];
extern uint8_t tflopt_model_start[];
extern uint8_t tflopt_model_end[];
extern uint8_t tflopt_arena_start[];
extern uint8_t tflopt_arena_end[];
extern void (*tflopt_constructors_start[])();
extern void (*tflopt_constructors_end[])();
}

namespace tflopt {

// Makes code read-only and guards the stack; mpu_v7m.cc or mpu_v8m.cc.
void ProtectMemory();
// Whether the runner's memory can be written; switched around sandboxed code.
void AllowRunnerMemory(bool writable);
// Where the stack in use ends, for processors with a limit register.
void SetStackLimit(const uint8_t* end);

// Counts wraps of SysTick: about 30 each emulated second.
uint32_t TickWraps();
void CountTickWrap();
// How many wraps a time limit is, rounded up.
uint32_t WrapsOf(uint32_t limit_ms);

}  // namespace tflopt

#endif  // TFLOPT_CORTEX_M_LAYOUT_H_
