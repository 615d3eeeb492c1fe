/* The two calls are of Arm's "Semihosting for AArch32 and AArch64". */
#include "board/semihosting.h"

#include <stdint.h>

enum { kWriteText = 0x04, kExitExtended = 0x20, kApplicationExit = 0x20026 };

static void Call(uint32_t operation, const void* argument) {
  register uint32_t r0 __asm("r0") = operation;
  register const void* r1 __asm("r1") = argument;
  __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

void Print(const char* text) { Call(kWriteText, text); }

void Exit(int code) {
  const uint32_t block[] = {kApplicationExit, (uint32_t)code};
  Call(kExitExtended, block);
  for (;;) {
  }
}
