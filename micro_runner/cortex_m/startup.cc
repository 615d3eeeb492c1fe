// From reset to main.

#include <cstdint>

#include "cortex_m/layout.h"
#include "cortex_m/registers.h"

extern "C" {
int main();
void Reset();
void TrapHandler();
void TickHandler();
void StartProgram();
}

namespace {

using Handler = void (*)();

struct Vectors {
  const void* stack;
  Handler handlers[15];
};

// By words that the compiler can't turn into a call of memset.
void Clear(uint32_t* first, const uint32_t* end) {
  for (volatile uint32_t* word = first; word != end; word = word + 1) *word = 0;
}

}  // namespace

// Kept by the linker script; StartProgram() refers to it too.
__attribute__((section(".vectors"))) extern const Vectors kVectorTable;
const Vectors kVectorTable = {
    tflopt_handler_stack_end,
    {Reset, TrapHandler, TrapHandler, TrapHandler, TrapHandler, TrapHandler, TrapHandler, nullptr,
     nullptr, nullptr, TrapHandler, TrapHandler, nullptr, TrapHandler, TickHandler},
};

// Switches the FPU (with MVE) on before the compiler may use it, and to the guarded stack.
extern "C" __attribute__((naked, section(".startup"))) void Reset() {
  asm volatile(
      "cpsid i\n"
      "ldr r0, =0xE000ED88\n"  // CPACR: full access to coprocessors 10 and 11
      "ldr r1, [r0]\n"
      "orr r1, r1, #0xF00000\n"
      "str r1, [r0]\n"
      "dsb\n"
      "isb\n"
      "ldr r0, =tflopt_runner_stack_end\n"
      "msr psp, r0\n"
      "movs r0, #2\n"  // thread mode on the process stack, privileged
      "msr control, r0\n"
      "isb\n"
      "ldr r0, =StartProgram\n"
      "bx r0\n"
      ".ltorg\n");
}

extern "C" void StartProgram() {
  using tflopt::registers::At;
  namespace registers = tflopt::registers;
  Clear(tflopt_bss_start, tflopt_bss_end);
  Clear(tflopt_runner_bss_start, tflopt_runner_bss_end);
  At(registers::kVectors) = reinterpret_cast<uintptr_t>(&kVectorTable);
  At(registers::kSystemHandlers) = At(registers::kSystemHandlers) | registers::kFaultsEnabled;
  // SysTick yields to every fault.
  At(registers::kSystickPriority) = At(registers::kSystickPriority) | 0xFF000000u;
  tflopt::ProtectMemory();
  registers::Barrier();
  asm volatile("cpsie i" ::: "memory");
  for (Handler* each = tflopt_constructors_start; each != tflopt_constructors_end; ++each) {
    (*each)();
  }
  main();
  while (true) {
  }
}
