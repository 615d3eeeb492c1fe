#ifndef TFLOPT_TESTS_STUB_INTERPRETER_H_
#define TFLOPT_TESTS_STUB_INTERPRETER_H_
#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
namespace tflite {
class MicroAllocator;
class MicroResourceVariables;
class MicroInterpreter {
 public:
  MicroInterpreter(const Model* model, const MicroOpResolver& resolver, uint8_t* arena,
                   size_t arena_bytes);
  MicroInterpreter(const Model* model, const MicroOpResolver& resolver, MicroAllocator* allocator,
                   MicroResourceVariables* resource_variables);
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  template <class T>
  T* typed_input_tensor(int index);
  template <class T>
  T* typed_output_tensor(int index);
  size_t arena_used_bytes() const;
};
}  // namespace tflite
#endif  // TFLOPT_TESTS_STUB_INTERPRETER_H_
