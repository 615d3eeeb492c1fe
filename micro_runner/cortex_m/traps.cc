// Guarded calls: exceptions, the watchdog and abort() end the innermost one.
//
// Handlers run on the main stack. The program runs on the process stack pointer, in one of two
// stacks: the runner's, and that of sandboxed code. To end a guarded call the handler puts an
// exception frame below that call's own stack frame; returning from the exception then continues
// in Resume(), which jumps back into the call.

#include <csetjmp>

#include "cortex_m/layout.h"
#include "cortex_m/registers.h"
#include "platform.h"
#include "text.h"

namespace tflopt {
namespace platform {
namespace {

using registers::At;

struct Guard {
  jmp_buf context;
  Guard* previous;
  uint32_t stack;  // the stack pointer of the call
  uint32_t last_wrap;
  bool limited;
};

struct Frame {
  uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
};

Guard* volatile g_guard = nullptr;
TrapInfo g_trap;

constexpr const char* kNames[] = {"thread",       "Reset",    "NMI",        "HardFault",
                                  "MemManage",    "BusFault", "UsageFault", "SecureFault",
                                  "reserved",     "reserved", "reserved",   "SVCall",
                                  "DebugMonitor", "reserved", "PendSV",     "SysTick"};

[[noreturn]] void Resume() { longjmp(g_guard->context, 1); }

bool Holds(const uint8_t* start, const uint8_t* end, uint32_t address) {
  return address >= reinterpret_cast<uintptr_t>(start) &&
         address + sizeof(Frame) <= reinterpret_cast<uintptr_t>(end);
}

// Whether a whole exception frame can be there.
bool OnStack(uint32_t address) {
  return Holds(tflopt_stack_start, tflopt_stack_end, address) ||
         Holds(tflopt_runner_stack_start, tflopt_runner_stack_end, address);
}

bool FromThread(uint32_t exc_return) { return (exc_return & 8) != 0; }

// The exception frame that continues in Resume().
uint32_t FrameOfResume() {
  const uint32_t address = (g_guard->stack - 64 - sizeof(Frame)) & ~7u;
  Frame* const frame = reinterpret_cast<Frame*>(address);
  *frame = {};
  frame->pc = reinterpret_cast<uintptr_t>(&Resume) & ~1u;
  frame->xpsr = 1u << 24;
  // State of the FPU that the interrupted program will never need.
  if ((At(registers::kFloatContext) & registers::kLazyStateActive) != 0) {
    At(registers::kFloatContext) = At(registers::kFloatContext) & ~registers::kLazyStateActive;
  }
  return address;
}

[[noreturn]] void Die(const TrapInfo& trap) {
  FixedText<160> text;
  text.Add("tflopt: ").Add(trap.name).Add(" outside a guarded call, pc=0x").AddHex(trap.pc);
  text.Add(" cfsr=0x").AddHex(trap.cfsr).Add("\n");
  Print(text.data());
  Exit(16);
}

bool InGuard(uint32_t address) {
  return address >= reinterpret_cast<uintptr_t>(tflopt_guard_start) &&
         address < reinterpret_cast<uintptr_t>(tflopt_stack_start);
}

void ReadFault(uint32_t exception, uint32_t stack) {
  const uint32_t cfsr = At(registers::kConfigurableFault);
  const bool unstacked = (cfsr & (registers::kMemFaultOnStacking | registers::kBusFaultOnStacking |
                                  registers::kStackLimitPassed)) != 0;
  g_trap = TrapInfo();
  g_trap.trap = Trap::kFault;
  g_trap.name = exception < 16 ? kNames[exception] : "interrupt";
  g_trap.cfsr = cfsr;
  if ((cfsr & registers::kMemFaultAddressValid) != 0) {
    g_trap.address = At(registers::kMemFaultAddress);
  }
  if ((cfsr & registers::kBusFaultAddressValid) != 0) {
    g_trap.address = At(registers::kBusFaultAddress);
  }
  if (!unstacked && OnStack(stack)) {
    g_trap.pc = reinterpret_cast<const Frame*>(stack)->pc;
    g_trap.lr = reinterpret_cast<const Frame*>(stack)->lr;
  }
  if (unstacked || !OnStack(stack) || InGuard(g_trap.address)) g_trap.trap = Trap::kStackOverflow;
}

void ClearFault() {
  At(registers::kConfigurableFault) = At(registers::kConfigurableFault);
  At(registers::kHardFault) = At(registers::kHardFault);
  // A fault while stacking leaves a second one pending.
  At(registers::kSystemHandlers) = At(registers::kSystemHandlers) & ~registers::kFaultsPending;
}

uint32_t StackPointer() {
  uint32_t value;
  asm volatile("mov %0, sp" : "=r"(value));
  return value;
}

// Calls function(argument) on the stack that ends at `stack`.
__attribute__((naked)) void CallOnStack(Function, void*, const uint8_t*) {
  asm volatile(
      "push {r4, lr}\n"
      "mov r3, r0\n"
      "mov r0, r1\n"
      "mov r4, sp\n"
      "mov sp, r2\n"
      "blx r3\n"
      "mov sp, r4\n"
      "pop {r4, pc}\n");
}

struct SandboxCall {
  Function function;
  void* argument;
};

// Runs on the stack of sandboxed code.
void CallProtected(void* data) {
  const SandboxCall call = *static_cast<SandboxCall*>(data);
  AllowRunnerMemory(false);
  call.function(call.argument);
  AllowRunnerMemory(true);
}

// Runs on the runner's stack. The other one lies below it: a limit for that one fits both.
void CallSandboxed(void* data) {
  SetStackLimit(tflopt_stack_start);
  CallOnStack(CallProtected, data, tflopt_stack_end);
  SetStackLimit(tflopt_runner_stack_start);
}

void TrapWatchdog(uint32_t stack) {
  g_trap = TrapInfo();
  g_trap.trap = Trap::kWatchdog;
  g_trap.name = "the time limit passed";
  if (OnStack(stack)) g_trap.pc = reinterpret_cast<const Frame*>(stack)->pc;
}

}  // namespace

// Returns the process stack to continue on.
extern "C" __attribute__((used)) uint32_t EnterTrap(uint32_t stack, uint32_t exc_return) {
  uint32_t exception;
  asm volatile("mrs %0, ipsr" : "=r"(exception));
  AllowRunnerMemory(true);
  ReadFault(exception, stack);
  if (!FromThread(exc_return) || g_guard == nullptr) Die(g_trap);
  ClearFault();
  return FrameOfResume();
}

// Returns the process stack to continue on, or 0 to continue where the tick came.
extern "C" __attribute__((used)) uint32_t EnterTick(uint32_t stack, uint32_t exc_return) {
  CountTickWrap();
  for (Guard* guard = g_guard; guard != nullptr; guard = guard->previous) {
    if (!guard->limited || !FromThread(exc_return)) continue;
    if (static_cast<int32_t>(TickWraps() - guard->last_wrap) <= 0) continue;
    AllowRunnerMemory(true);
    g_guard = guard;
    TrapWatchdog(stack);
    return FrameOfResume();
  }
  return 0;
}

extern "C" __attribute__((naked)) void TrapHandler() {
  asm volatile(
      "mrs r0, psp\n"
      "mov r1, lr\n"
      "bl EnterTrap\n"
      "msr psp, r0\n"
      "mvn r0, #2\n"  // return to thread mode, process stack, basic frame
      "bx r0\n");
}

extern "C" __attribute__((naked)) void TickHandler() {
  asm volatile(
      "mrs r0, psp\n"
      "mov r1, lr\n"
      "push {r1, lr}\n"
      "bl EnterTick\n"
      "pop {r1, lr}\n"
      "cbz r0, 1f\n"
      "msr psp, r0\n"
      "mvn lr, #2\n"
      "1: bx lr\n");
}

TrapInfo RunGuarded(Function function, void* argument, uint32_t limit_ms) {
  Guard guard;
  guard.previous = g_guard;
  guard.limited = limit_ms != 0;
  guard.last_wrap = TickWraps() + WrapsOf(limit_ms);
  guard.stack = StackPointer();
  if (setjmp(guard.context) != 0) {
    g_guard = g_guard->previous;
    SetStackLimit(tflopt_runner_stack_start);
    asm volatile("cpsie i" ::: "memory");
    return g_trap;
  }
  g_guard = &guard;
  function(argument);
  g_guard = guard.previous;
  return TrapInfo();
}

TrapInfo RunSandboxed(Function function, void* argument, uint32_t limit_ms) {
  SandboxCall call = {function, argument};
  return RunGuarded(CallSandboxed, &call, limit_ms);
}

void Abort(const char* name) {
  AllowRunnerMemory(true);
  g_trap = TrapInfo();
  g_trap.trap = Trap::kAborted;
  g_trap.name = name;
  if (g_guard == nullptr) Die(g_trap);
  Resume();
}

}  // namespace platform
}  // namespace tflopt
