// Armv7-M: the MPU guards the stack too, since there is no stack limit register.

#include "cortex_m/board.h"
#include "cortex_m/layout.h"
#include "cortex_m/registers.h"

namespace tflopt {
namespace {

constexpr uint32_t kEnable = 1;
constexpr uint32_t kDefaultMapBehind = 1u << 2;
constexpr uint32_t kCachedMemory = 0x000B0000;  // TEX 1, C, B: normal, write-back
constexpr uint32_t kReadWrite = 3u << 24;
constexpr uint32_t kReadOnly = 6u << 24;
constexpr uint32_t kNoAccess = 0;
constexpr uint32_t kNeverExecute = 1u << 28;
constexpr uint32_t kGuardBytes = 4096;
constexpr uint32_t kRunnerRegion = 7;  // the highest number wins over the others

void SetRegion(uint32_t number, uint32_t base, uint32_t bytes, uint32_t access) {
  const uint32_t size_field = 30u - static_cast<uint32_t>(__builtin_clz(bytes));
  registers::At(registers::kMpuNumber) = number;
  registers::At(registers::kMpuBase) = base;
  registers::At(registers::kMpuAttributes) = access | kCachedMemory | (size_field << 1) | kEnable;
}

}  // namespace

void ProtectMemory() {
  uint32_t number = 0;
  SetRegion(number++, reinterpret_cast<uintptr_t>(tflopt_guard_start), kGuardBytes,
            kNoAccess | kNeverExecute);
  for (const ReadOnlyRegion& region : kBoard.read_only) {
    if (region.bytes == 0) continue;
    SetRegion(number++, region.base, region.bytes,
              kReadOnly | (region.executable ? 0 : kNeverExecute));
  }
  AllowRunnerMemory(true);
  registers::At(registers::kMpuControl) = kEnable | kDefaultMapBehind;
}

void AllowRunnerMemory(bool writable) {
  SetRegion(kRunnerRegion, reinterpret_cast<uintptr_t>(tflopt_protected_start),
            static_cast<uint32_t>(tflopt_protected_end - tflopt_protected_start),
            (writable ? kReadWrite : kReadOnly) | kNeverExecute);
  registers::Barrier();
}

void SetStackLimit(const uint8_t*) {}

}  // namespace tflopt
