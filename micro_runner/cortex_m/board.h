// What distinguishes one Cortex-M board from another, beside its memory map (memory.ld).

#ifndef TFLOPT_CORTEX_M_BOARD_H_
#define TFLOPT_CORTEX_M_BOARD_H_

#include <cstdint>

namespace tflopt {

// A power of two of bytes, aligned to its size. Zero bytes: unused.
struct ReadOnlyRegion {
  uint32_t base;
  uint32_t bytes;
  bool executable;
};

struct Board {
  const char* name;
  const char* core;
  uint32_t systick_hz;  // the processor clock that SysTick counts
  // Code and constants, and address 0: the runtime writes through null pointers when the arena is
  // too small, and the vectors must survive that.
  ReadOnlyRegion read_only[3];
};

extern const Board kBoard;

}  // namespace tflopt

#endif  // TFLOPT_CORTEX_M_BOARD_H_
