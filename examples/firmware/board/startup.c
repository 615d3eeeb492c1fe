/* From reset to main(), for every Cortex-M with an FPU. */
#include <stdint.h>

#include "board/semihosting.h"

/* Of the linker script. */
extern uint32_t data_load[], data_start[], data_end[], bss_start[], bss_end[], stack_end[];
extern void (*init_start[])(void);
extern void (*init_end[])(void);

int main(void);
void Reset(void);
void Start(void);

/* Where a fault was taken from; a debugger shows more. */
static void Fault(void) {
  Print("fault\n");
  Exit(2);
}

typedef void (*Handler)(void);

__attribute__((section(".vectors"), used)) static const struct {
  const void* stack;
  Handler handlers[15];
} vectors = {stack_end, {Reset, Fault, Fault, Fault, Fault, Fault, Fault}};

/* In assembly, because the compiler may use the FPU or MVE in any C function. */
__attribute__((naked)) void Reset(void) {
  __asm volatile(
      "ldr r0, =0xE000ED88\n" /* CPACR: full access to coprocessors 10 and 11 */
      "ldr r1, [r0]\n"
      "orr r1, r1, #0xF00000\n"
      "str r1, [r0]\n"
      "dsb\n"
      "isb\n"
      "ldr r0, =Start\n"
      "bx r0\n"
      ".ltorg\n");
}

void Start(void) {
  const uint32_t* from = data_load;
  /* Volatile, so that no call of memcpy comes of it. */
  for (volatile uint32_t* to = data_start; to != data_end; ++to) *to = *from++;
  for (volatile uint32_t* to = bss_start; to != bss_end; ++to) *to = 0;
  for (Handler* each = init_start; each != init_end; ++each) (*each)();
  Exit(main());
}
