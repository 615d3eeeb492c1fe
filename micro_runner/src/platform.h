// What the runner needs of the machine below it: files, traps, the stack, a counter.
// cortex_m/ implements it for the boards, host/ for tests on a workstation.

#ifndef TFLOPT_SRC_PLATFORM_H_
#define TFLOPT_SRC_PLATFORM_H_

#include <cstddef>
#include <cstdint>

namespace tflopt {

struct Memory {
  uint8_t* data;
  size_t bytes;
};

namespace platform {

// --- The board ---

const char* BoardName();
const char* CoreName();  // as tflopt --target takes it
Memory ModelMemory();    // aligned to 16 bytes, as the arena
Memory ArenaMemory();

// --- Files of the host; names are relative to its working directory ---

using File = int;
constexpr File kNoFile = -1;

File OpenToRead(const char* name);
File OpenToWrite(const char* name);
bool FileSize(File file, size_t* bytes);
bool Seek(File file, size_t position);
bool ReadExactly(File file, void* data, size_t bytes);
bool WriteExactly(File file, const void* data, size_t bytes);
void Close(File file);
void Print(const char* text);
[[noreturn]] void Exit(int code);

// --- Traps ---

enum class Trap : uint8_t { kNone, kFault, kStackOverflow, kWatchdog, kAborted };

struct TrapInfo {
  Trap trap = Trap::kNone;
  const char* name = "";  // of the exception
  uint32_t pc = 0;
  uint32_t lr = 0;
  uint32_t cfsr = 0;     // Configurable Fault Status Register
  uint32_t address = 0;  // that was accessed, where the processor knows it
};

using Function = void (*)(void*);

// Runs function(argument) and returns what cut it short. `limit_ms` is emulated time; 0 is none.
// A trap returns from the innermost call. No destructors run on the way.
TrapInfo RunGuarded(Function function, void* argument, uint32_t limit_ms);

// The same for code that isn't trusted: on a stack of its own, and where the board can, with the
// memory of the runner protected, so that whatever the code overwrites, the runner lives on.
// Of the runner, src/engine_calls.cc and src/log.cc hold what such code may write.
TrapInfo RunSandboxed(Function function, void* argument, uint32_t limit_ms);

// Ends the innermost call of these with Trap::kAborted; `name` must outlive it.
[[noreturn]] void Abort(const char* name);

// --- The stack of sandboxed code ---

// Fills it with a pattern.
void PaintStack();
// Bytes that were used at most since PaintStack.
size_t StackUsed();
size_t StackLimit();

// --- Cost ---

enum class CostUnit : uint8_t { kInstructions, kCycles, kTicks };

// Finds out what the board can count. Call once, first.
void StartCounter();
CostUnit Unit();
// A single cost is exact to this many units.
uint32_t CostResolution();
// The counter. The time that reading it takes is not counted; differences are costs.
uint64_t ReadCounter();

}  // namespace platform
}  // namespace tflopt

#endif  // TFLOPT_SRC_PLATFORM_H_
