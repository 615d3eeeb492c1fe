// The operators of the library that is linked.

#ifndef TFLOPT_SRC_TFLM_OPERATORS_H_
#define TFLOPT_SRC_TFLM_OPERATORS_H_

#include "tensorflow/lite/micro/micro_op_resolver.h"

namespace tflopt {

const tflite::MicroOpResolver& LibraryOperators();

}  // namespace tflopt

#endif  // TFLOPT_SRC_TFLM_OPERATORS_H_
