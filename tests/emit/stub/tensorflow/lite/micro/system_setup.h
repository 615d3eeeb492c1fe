#ifndef TFLOPT_TESTS_STUB_SETUP_H_
#define TFLOPT_TESTS_STUB_SETUP_H_
namespace tflite {
void InitializeTarget();
}
#endif  // TFLOPT_TESTS_STUB_SETUP_H_
