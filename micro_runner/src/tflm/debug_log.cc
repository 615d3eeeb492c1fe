// Where TFLM's messages go. These two take the place of the library's own.

#include "tensorflow/lite/micro/debug_log.h"

#include <cstdarg>
#include <cstddef>
#include <cstring>

#include "log.h"
#include "platform.h"
#include "text.h"

namespace {

// TFLM's last words before it loops for ever: TFLITE_ABORT where TF_LITE_MCU_DEBUG_LOG is defined
// (tensorflow/lite/kernels/op_macros.h).
constexpr const char* kHalted = "HALTED";

}  // namespace

extern "C" void DebugLog(const char* format, va_list args) {
  tflopt::FixedText<256> text;
  text.AddFormat(format, args);
  tflopt::RuntimeLog().Add(text.data());
  if (std::strcmp(format, kHalted) == 0) tflopt::platform::Abort("a failed check of TFLM");
}

extern "C" int DebugVsnprintf(char* buffer, size_t buf_size, const char* format, va_list vlist) {
  if (buf_size == 0) return 0;
  tflopt::TextWriter text(buffer, buf_size);
  text.AddFormat(format, vlist);
  return static_cast<int>(text.size());
}
