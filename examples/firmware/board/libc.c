/* What the C library asks of the system: there are no files, and there is no heap. */
#include <stddef.h>

#include "board/semihosting.h"

void* _sbrk(ptrdiff_t bytes);
int _close(int file);
int _fstat(int file, void* status);
int _getpid(void);
int _isatty(int file);
int _kill(int process, int signal);
int _lseek(int file, int offset, int from);
int _read(int file, void* data, size_t bytes);
int _write(int file, const void* data, size_t bytes);
__attribute__((noreturn)) void _exit(int code);

void* __dso_handle = NULL;

void* _sbrk(ptrdiff_t bytes) {
  (void)bytes;
  return (void*)-1;
}
int _close(int file) { return (void)file, -1; }
int _fstat(int file, void* status) { return (void)file, (void)status, -1; }
int _getpid(void) { return 1; }
int _isatty(int file) { return (void)file, 0; }
int _kill(int process, int signal) { return (void)process, (void)signal, -1; }
int _lseek(int file, int offset, int from) { return (void)file, (void)offset, (void)from, -1; }
int _read(int file, void* data, size_t bytes) { return (void)file, (void)data, (void)bytes, -1; }
int _write(int file, const void* data, size_t bytes) {
  return (void)file, (void)data, (void)bytes, -1;
}
/* abort() and failed assertions end here. */
void _exit(int code) {
  Print("exit\n");
  Exit(code == 0 ? 3 : code);
}
