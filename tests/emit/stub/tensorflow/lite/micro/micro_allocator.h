#ifndef TFLOPT_TESTS_STUB_ALLOCATOR_H_
#define TFLOPT_TESTS_STUB_ALLOCATOR_H_
#include <cstddef>
#include <cstdint>
namespace tflite {
class MicroAllocator {
 public:
  static MicroAllocator* Create(uint8_t* arena, size_t arena_bytes);
};
}  // namespace tflite
#endif  // TFLOPT_TESTS_STUB_ALLOCATOR_H_
