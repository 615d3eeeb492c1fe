// The processor's own registers, from the Armv7-M and Armv8-M architecture reference manuals.

#ifndef TFLOPT_CORTEX_M_REGISTERS_H_
#define TFLOPT_CORTEX_M_REGISTERS_H_

#include <cstdint>

namespace tflopt {
namespace registers {

inline volatile uint32_t& At(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

constexpr uint32_t kDwtControl = 0xE0001000;
constexpr uint32_t kDwtCycles = 0xE0001004;
constexpr uint32_t kSysTickControl = 0xE000E010;
constexpr uint32_t kSysTickReload = 0xE000E014;
constexpr uint32_t kSysTickValue = 0xE000E018;
constexpr uint32_t kInterruptState = 0xE000ED04;
constexpr uint32_t kVectors = 0xE000ED08;
constexpr uint32_t kSystickPriority = 0xE000ED20;
constexpr uint32_t kSystemHandlers = 0xE000ED24;
constexpr uint32_t kConfigurableFault = 0xE000ED28;
constexpr uint32_t kHardFault = 0xE000ED2C;
constexpr uint32_t kMemFaultAddress = 0xE000ED34;
constexpr uint32_t kBusFaultAddress = 0xE000ED38;
constexpr uint32_t kMpuControl = 0xE000ED94;
constexpr uint32_t kMpuNumber = 0xE000ED98;
constexpr uint32_t kMpuBase = 0xE000ED9C;
constexpr uint32_t kMpuAttributes = 0xE000EDA0;
constexpr uint32_t kMpuMemoryAttributes = 0xE000EDC0;  // Armv8-M
constexpr uint32_t kDebugMonitor = 0xE000EDFC;
constexpr uint32_t kFloatContext = 0xE000EF34;

constexpr uint32_t kTickPending = 1u << 26;        // in kInterruptState
constexpr uint32_t kFaultsEnabled = 7u << 16;      // in kSystemHandlers
constexpr uint32_t kFaultsPending = 7u << 12;      // in kSystemHandlers
constexpr uint32_t kTraceEnabled = 1u << 24;       // in kDebugMonitor
constexpr uint32_t kMemFaultOnStacking = 1u << 4;  // in kConfigurableFault
constexpr uint32_t kMemFaultAddressValid = 1u << 7;
constexpr uint32_t kBusFaultOnStacking = 1u << 12;
constexpr uint32_t kBusFaultAddressValid = 1u << 15;
constexpr uint32_t kStackLimitPassed = 1u << 20;  // Armv8-M
constexpr uint32_t kLazyStateActive = 1u;         // in kFloatContext

inline void Barrier() { asm volatile("dsb\n isb" ::: "memory"); }

}  // namespace registers
}  // namespace tflopt

#endif  // TFLOPT_CORTEX_M_REGISTERS_H_
