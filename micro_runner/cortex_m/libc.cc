// What the C library asks of the system. There is no heap, and nothing but platform.h does I/O.

#include <cstddef>
#include <cstdint>
#include <new>

#include "platform.h"

extern "C" {

[[noreturn]] void abort() { tflopt::platform::Abort("abort()"); }
[[noreturn]] void __assert_func(const char*, int, const char*, const char*) {
  tflopt::platform::Abort("a failed assertion");
}
[[noreturn]] void __cxa_pure_virtual() { tflopt::platform::Abort("a pure virtual call"); }
[[noreturn]] void _exit(int) { tflopt::platform::Abort("exit()"); }

void* _sbrk(ptrdiff_t) { return reinterpret_cast<void*>(-1); }
int _close(int) { return -1; }
int _fstat(int, void*) { return -1; }
int _getpid() { return 1; }
int _isatty(int) { return 0; }
int _kill(int, int) { return -1; }
int _lseek(int, int, int) { return -1; }
int _read(int, void*, size_t) { return -1; }
int _write(int, const void*, size_t) { return -1; }

// Destructors of what lives as long as the program.
int __aeabi_atexit(void*, void (*)(void*), void*) { return 0; }
void* __dso_handle = nullptr;
}

void operator delete(void*) noexcept { tflopt::platform::Abort("operator delete"); }
void operator delete(void*, size_t) noexcept { tflopt::platform::Abort("operator delete"); }
