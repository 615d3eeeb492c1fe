// What can be wrong with a model before TFLM, which trusts it, sees it.

#ifndef TFLOPT_SRC_TFLM_MODEL_H_
#define TFLOPT_SRC_TFLM_MODEL_H_

#include <cstddef>
#include <cstdint>

#include "status.h"
#include "tensorflow/lite/micro/micro_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "text.h"

namespace tflopt {

// Whether the bytes are a TFLite model whose FlatBuffer holds together, and all indices in it lead
// somewhere. `verify` false: only the identifier is looked at.
Status CheckBytes(const uint8_t* data, size_t bytes, bool verify, Message* message);

// Whether the resolver has every operator; the message names those that it lacks.
Status CheckOperators(const tflite::Model& model, const tflite::MicroOpResolver& resolver,
                      Message* message);

// The name of an operator, as the schema has it; a custom operator's own.
const char* OperatorName(const tflite::Model& model, const tflite::Operator& op);

// How many resource variables the model names.
size_t CountVariables(const tflite::Model& model);

}  // namespace tflopt

#endif  // TFLOPT_SRC_TFLM_MODEL_H_
