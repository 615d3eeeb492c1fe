// Files, console and exit by semihosting, as Arm's "Semihosting for AArch32 and AArch64" has it.

#include <cstring>

#include "platform.h"

namespace tflopt {
namespace platform {
namespace {

enum Operation : uint32_t {
  kOpen = 0x01,
  kClose = 0x02,
  kWriteText = 0x04,
  kWrite = 0x05,
  kRead = 0x06,
  kSeek = 0x0A,
  kLength = 0x0C,
  kExit = 0x18,
  kExitExtended = 0x20,
};

constexpr uint32_t kReadBinary = 1;
constexpr uint32_t kWriteBinary = 5;
constexpr uint32_t kApplicationExit = 0x20026;

int32_t Call(uint32_t operation, const void* argument) {
  register uint32_t r0 asm("r0") = operation;
  register const void* r1 asm("r1") = argument;
  asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return static_cast<int32_t>(r0);
}

uint32_t Address(const void* data) { return reinterpret_cast<uintptr_t>(data); }

File Open(const char* name, uint32_t mode) {
  const uint32_t block[] = {Address(name), mode, static_cast<uint32_t>(std::strlen(name))};
  return Call(kOpen, block);
}

// Both return the number of bytes that were not transferred.
bool Transfer(uint32_t operation, File file, const void* data, size_t bytes) {
  if (file == kNoFile) return false;
  if (bytes == 0) return true;
  const uint32_t block[] = {static_cast<uint32_t>(file), Address(data), bytes};
  return Call(operation, block) == 0;
}

}  // namespace

File OpenToRead(const char* name) { return Open(name, kReadBinary); }

File OpenToWrite(const char* name) { return Open(name, kWriteBinary); }

bool FileSize(File file, size_t* bytes) {
  const uint32_t block[] = {static_cast<uint32_t>(file)};
  const int32_t length = Call(kLength, block);
  *bytes = static_cast<size_t>(length);
  return length >= 0;
}

bool Seek(File file, size_t position) {
  const uint32_t block[] = {static_cast<uint32_t>(file), position};
  return Call(kSeek, block) == 0;
}

bool ReadExactly(File file, void* data, size_t bytes) { return Transfer(kRead, file, data, bytes); }

bool WriteExactly(File file, const void* data, size_t bytes) {
  return Transfer(kWrite, file, data, bytes);
}

void Close(File file) {
  if (file == kNoFile) return;
  const uint32_t block[] = {static_cast<uint32_t>(file)};
  Call(kClose, block);
}

void Print(const char* text) { Call(kWriteText, text); }

void Exit(int code) {
  const uint32_t block[] = {kApplicationExit, static_cast<uint32_t>(code)};
  Call(kExitExtended, block);
  // For hosts that only know the older call, which has no code.
  Call(kExit, reinterpret_cast<const void*>(kApplicationExit));
  while (true) {
  }
}

}  // namespace platform
}  // namespace tflopt
