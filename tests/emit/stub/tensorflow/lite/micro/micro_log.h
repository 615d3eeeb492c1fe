#ifndef TFLOPT_TESTS_STUB_LOG_H_
#define TFLOPT_TESTS_STUB_LOG_H_
void MicroPrintf(const char* format, ...);
#endif  // TFLOPT_TESTS_STUB_LOG_H_
