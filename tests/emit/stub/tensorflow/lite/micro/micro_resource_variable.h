#ifndef TFLOPT_TESTS_STUB_RESOURCE_VARIABLE_H_
#define TFLOPT_TESTS_STUB_RESOURCE_VARIABLE_H_
#include "tensorflow/lite/micro/micro_allocator.h"
namespace tflite {
class MicroResourceVariables {
 public:
  static MicroResourceVariables* Create(MicroAllocator* allocator, int num_variables);
};
}  // namespace tflite
#endif  // TFLOPT_TESTS_STUB_RESOURCE_VARIABLE_H_
