// Armv8-M: a limit register guards the stack, the MPU the code.

#include "cortex_m/board.h"
#include "cortex_m/layout.h"
#include "cortex_m/registers.h"

namespace tflopt {
namespace {

constexpr uint32_t kEnable = 1;
constexpr uint32_t kDefaultMapBehind = 1u << 2;
constexpr uint32_t kNormalMemory = 0xFF;  // attribute 0: write-back, allocating
constexpr uint32_t kReadOnly = 2u << 1;
constexpr uint32_t kNeverExecute = 1;

constexpr uint32_t kReadWrite = 0;
constexpr uint32_t kGuardRegion = 6;
constexpr uint32_t kRunnerRegion = 7;

void SetRegion(uint32_t number, uint32_t base, uint32_t bytes, uint32_t access) {
  registers::At(registers::kMpuNumber) = number;
  registers::At(registers::kMpuBase) = base | access;
  registers::At(registers::kMpuAttributes) = ((base + bytes - 1) & ~31u) | kEnable;
}

void SetRegion(uint32_t number, const uint8_t* start, const uint8_t* end, uint32_t access) {
  SetRegion(number, reinterpret_cast<uintptr_t>(start), static_cast<uint32_t>(end - start), access);
}

}  // namespace

void ProtectMemory() {
  registers::At(registers::kMpuMemoryAttributes) = kNormalMemory;
  uint32_t number = 0;
  for (const ReadOnlyRegion& region : kBoard.read_only) {
    if (region.bytes == 0) continue;
    SetRegion(number++, region.base, region.bytes,
              kReadOnly | (region.executable ? 0 : kNeverExecute));
  }
  SetRegion(kGuardRegion, tflopt_guard_start, tflopt_stack_start, kReadOnly | kNeverExecute);
  AllowRunnerMemory(true);
  SetStackLimit(tflopt_runner_stack_start);
  registers::At(registers::kMpuControl) = kEnable | kDefaultMapBehind;
}

void AllowRunnerMemory(bool writable) {
  SetRegion(kRunnerRegion, tflopt_protected_start, tflopt_protected_end,
            (writable ? kReadWrite : kReadOnly) | kNeverExecute);
  registers::Barrier();
}

void SetStackLimit(const uint8_t* end) { asm volatile("msr psplim, %0" ::"r"(end)); }

}  // namespace tflopt
