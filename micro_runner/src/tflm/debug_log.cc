// Where TFLM's messages go. These two take the place of the library's own.

#include "tensorflow/lite/micro/debug_log.h"

#include <cstdarg>
#include <cstddef>

#include "log.h"
#include "text.h"

extern "C" void DebugLog(const char* format, va_list args) {
  tflopt::FixedText<256> text;
  text.AddFormat(format, args);
  tflopt::RuntimeLog().Add(text.data());
}

extern "C" int DebugVsnprintf(char* buffer, size_t buf_size, const char* format, va_list vlist) {
  if (buf_size == 0) return 0;
  tflopt::TextWriter text(buffer, buf_size);
  text.AddFormat(format, vlist);
  return static_cast<int>(text.size());
}
