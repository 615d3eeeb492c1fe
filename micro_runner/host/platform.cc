// The platform on a workstation, for tests under sanitizers. It has no sandbox: a trap is a signal.

#include "platform.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace tflopt {
namespace platform {
namespace {

struct Guard {
  sigjmp_buf context;
  Guard* previous;
};

alignas(16) uint8_t g_model[1 << 20];
alignas(16) uint8_t g_arena[1 << 20];
Guard* g_guard = nullptr;
TrapInfo g_trap;

[[noreturn]] void End(Trap trap, const char* name) {
  g_trap = TrapInfo();
  g_trap.trap = trap;
  g_trap.name = name;
  if (g_guard == nullptr) std::abort();
  siglongjmp(g_guard->context, 1);
}

void OnSignal(int number) {
  if (number == SIGALRM) End(Trap::kWatchdog, "the time limit passed");
  End(Trap::kFault, "a signal");
}

void SetTimer(uint32_t limit_ms) {
  itimerval timer = {};
  timer.it_value.tv_sec = limit_ms / 1000;
  timer.it_value.tv_usec = static_cast<suseconds_t>(limit_ms % 1000) * 1000;
  setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

const char* BoardName() { return "host"; }
const char* CoreName() { return "host"; }
Memory ModelMemory() { return {g_model, sizeof(g_model)}; }
Memory ArenaMemory() { return {g_arena, sizeof(g_arena)}; }

File OpenToRead(const char* name) { return open(name, O_RDONLY); }
File OpenToWrite(const char* name) { return open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644); }

bool FileSize(File file, size_t* bytes) {
  struct stat status = {};
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  *bytes = static_cast<size_t>(status.st_size);
  return true;
}

bool Seek(File file, size_t position) {
  return lseek(file, static_cast<off_t>(position), SEEK_SET) >= 0;
}

bool ReadExactly(File file, void* data, size_t bytes) {
  return read(file, data, bytes) == static_cast<ssize_t>(bytes);
}

bool WriteExactly(File file, const void* data, size_t bytes) {
  return write(file, data, bytes) == static_cast<ssize_t>(bytes);
}

void Close(File file) {
  if (file != kNoFile) close(file);
}

void Print(const char* text) { std::fputs(text, stdout); }
void Exit(int code) { std::exit(code); }

TrapInfo RunGuarded(Function function, void* argument, uint32_t limit_ms) {
  Guard guard;
  guard.previous = g_guard;
  if (sigsetjmp(guard.context, 1) != 0) {
    SetTimer(0);
    g_guard = g_guard->previous;
    return g_trap;
  }
  g_guard = &guard;
  SetTimer(limit_ms);
  function(argument);
  SetTimer(0);
  g_guard = guard.previous;
  return TrapInfo();
}

TrapInfo RunSandboxed(Function function, void* argument, uint32_t limit_ms) {
  return RunGuarded(function, argument, limit_ms);
}

void Abort(const char* name) { End(Trap::kAborted, name); }

void PaintStack() {}
size_t StackUsed() { return 0; }
size_t StackLimit() { return 0; }

void StartCounter() {
  signal(SIGALRM, OnSignal);
  signal(SIGILL, OnSignal);
}

CostUnit Unit() { return CostUnit::kTicks; }
uint32_t CostResolution() { return 1; }

uint64_t ReadCounter() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace platform
}  // namespace tflopt
