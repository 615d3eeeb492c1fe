#include "tflm/operators.h"

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

namespace tflopt {
namespace {

using Resolver = tflite::MicroMutableOpResolver<TFLOPT_OPERATOR_COUNT>;

void AddAll(Resolver* resolver) {
#define TFLOPT_OPERATOR(method) static_cast<void>(resolver->method());
#include "tflm_operators.inc"
#undef TFLOPT_OPERATOR
}

}  // namespace

const tflite::MicroOpResolver& LibraryOperators() {
  static Resolver resolver;
  static bool filled = false;
  if (!filled) AddAll(&resolver);
  filled = true;
  return resolver;
}

}  // namespace tflopt
