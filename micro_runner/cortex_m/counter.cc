// What a stretch of code costs: cycles where the processor counts them, else instructions on QEMU.
//
// QEMU has no cycle counter. With `-icount shift=0` its clock advances by one nanosecond for each
// instruction, and SysTick counts that clock in ticks of 31 to 50 instructions. To read finer, a
// loop of four instructions waits for the next tick and counts its rounds: that gives the time at
// the start of the reading to within four instructions. What the reading took is subtracted from
// everything after it, so that measuring costs nothing in what is measured.

#include "cortex_m/board.h"
#include "cortex_m/layout.h"
#include "cortex_m/registers.h"
#include "platform.h"

namespace tflopt {
namespace {

using registers::At;

constexpr uint32_t kWrapTicks = 1u << 20;
constexpr int64_t kParts = 8;  // of a nanosecond: a tick at 32 MHz is 250 of them
constexpr int kLoopInstructions = 4;

platform::CostUnit g_unit = platform::CostUnit::kTicks;
volatile uint32_t g_wraps = 0;
volatile uint32_t g_cycles_high = 0;
volatile uint32_t g_cycles_last = 0;
int64_t g_parts_per_tick = 0;
int64_t g_paused = 0;
int64_t g_reading = 0;  // what is lost between two readings

struct Edge {
  int64_t ticks;    // SysTick when it advanced
  uint32_t rounds;  // how often the loop ran until then
};

// Waits for the next tick.
Edge WaitForTick() {
  uint32_t first;
  uint32_t value;
  uint32_t rounds = 0;
  asm volatile(
      "ldr %[first], [%[timer]]\n"
      "1: ldr %[value], [%[timer]]\n"
      "adds %[rounds], %[rounds], #1\n"
      "cmp %[value], %[first]\n"
      "beq 1b\n"
      : [first] "=&l"(first), [value] "=&l"(value), [rounds] "+l"(rounds)
      : [timer] "l"(registers::kSysTickValue)
      : "cc", "memory");
  uint32_t wraps = g_wraps;
  const bool pending = (At(registers::kInterruptState) & registers::kTickPending) != 0;
  // The counter runs down; a wrap that its handler has not counted yet shows in a high value.
  if (pending && value > kWrapTicks / 2) ++wraps;
  return {static_cast<int64_t>(wraps) * kWrapTicks + (kWrapTicks - 1 - value), rounds};
}

uint64_t ReadTimer() {
  asm volatile("cpsid i" ::: "memory");
  const Edge edge = WaitForTick();
  const int64_t now = edge.ticks * g_parts_per_tick;
  const int64_t entry = now - kParts * kLoopInstructions * static_cast<int64_t>(edge.rounds);
  const int64_t shown = entry - g_paused;
  g_paused += now - entry + g_reading;
  asm volatile("cpsie i" ::: "memory");
  return static_cast<uint64_t>(shown) / kParts;
}

uint64_t ReadCycles() {
  asm volatile("cpsid i" ::: "memory");
  const uint32_t low = At(registers::kDwtCycles);
  if (low < g_cycles_last) g_cycles_high = g_cycles_high + 1;
  g_cycles_last = low;
  const uint64_t cycles = (static_cast<uint64_t>(g_cycles_high) << 32) | low;
  asm volatile("cpsie i" ::: "memory");
  return cycles;
}

// Runs 20,000 instructions.
void RunKnownCode() {
  uint32_t rounds = 10000;
  asm volatile(
      "1: subs %[rounds], %[rounds], #1\n"
      "bne 1b\n"
      : [rounds] "+l"(rounds)
      :
      : "cc");
}

bool CyclesAdvance() {
  At(registers::kDebugMonitor) = At(registers::kDebugMonitor) | registers::kTraceEnabled;
  At(registers::kDwtCycles) = 0;
  At(registers::kDwtControl) = At(registers::kDwtControl) | 1;
  const uint32_t before = At(registers::kDwtCycles);
  RunKnownCode();
  return At(registers::kDwtCycles) - before > 1000;
}

void StartSysTick() {
  At(registers::kSysTickReload) = kWrapTicks - 1;
  At(registers::kSysTickValue) = 0;
  At(registers::kSysTickControl) = 7;  // on, with interrupt, from the processor clock
  // The first value appears with the first tick.
  while (At(registers::kSysTickValue) == 0) {
  }
}

// Measures what two readings in a row see between them.
void CalibrateReading() {
  constexpr int kReadings = 64;
  ReadTimer();
  const uint64_t first = ReadTimer();
  for (int i = 1; i < kReadings; ++i) ReadTimer();
  g_reading = static_cast<int64_t>(ReadTimer() - first) * kParts / kReadings;
}

bool TicksAreInstructions() {
  const uint64_t before = ReadTimer();
  RunKnownCode();
  const uint64_t cost = ReadTimer() - before;
  return cost > 19980 && cost < 20020;
}

}  // namespace

uint32_t TickWraps() { return g_wraps; }

void CountTickWrap() {
  g_wraps = g_wraps + 1;
  const uint32_t low = At(registers::kDwtCycles);
  if (g_unit != platform::CostUnit::kCycles) return;
  if (low < g_cycles_last) g_cycles_high = g_cycles_high + 1;
  g_cycles_last = low;
}

uint32_t WrapsOf(uint32_t limit_ms) {
  const uint64_t ticks = static_cast<uint64_t>(limit_ms) * (kBoard.systick_hz / 1000);
  return static_cast<uint32_t>(ticks / kWrapTicks) + 1;
}

namespace platform {

void StartCounter() {
  g_parts_per_tick = 1000000000ll * kParts / kBoard.systick_hz;
  StartSysTick();
  CalibrateReading();
  if (CyclesAdvance()) {
    g_unit = CostUnit::kCycles;
  } else if (TicksAreInstructions()) {
    g_unit = CostUnit::kInstructions;
  }
}

CostUnit Unit() { return g_unit; }

uint32_t CostResolution() {
  if (g_unit == CostUnit::kCycles) return 1;
  if (g_unit == CostUnit::kInstructions) return kLoopInstructions;
  return static_cast<uint32_t>(g_parts_per_tick / kParts);
}

uint64_t ReadCounter() { return g_unit == CostUnit::kCycles ? ReadCycles() : ReadTimer(); }

}  // namespace platform
}  // namespace tflopt
