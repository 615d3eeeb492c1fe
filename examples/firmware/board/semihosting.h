/* Text and exit through the debugger or emulator. Replace these two on your own board. */
#ifndef EXAMPLE_SEMIHOSTING_H_
#define EXAMPLE_SEMIHOSTING_H_

#ifdef __cplusplus
extern "C" {
#endif

void Print(const char* text);
__attribute__((noreturn)) void Exit(int code);

#ifdef __cplusplus
}
#endif

#endif /* EXAMPLE_SEMIHOSTING_H_ */
