#ifndef TFLOPT_TESTS_STUB_DEBUG_LOG_H_
#define TFLOPT_TESTS_STUB_DEBUG_LOG_H_
#include <cstdarg>
#include <cstddef>
extern "C" {
void DebugLog(const char* format, va_list args);
int DebugVsnprintf(char* buffer, size_t buf_size, const char* format, va_list vlist);
}
#endif  // TFLOPT_TESTS_STUB_DEBUG_LOG_H_
