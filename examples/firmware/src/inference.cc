// The model on TFLM: one static arena of the size that tflopt computed.
#include "inference.h"

#include "kws_data.h"
#include "kws_info.h"
#include "kws_ops.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

alignas(KWS_ARENA_ALIGNMENT) uint8_t arena[KWS_ARENA_BYTES];
tflite::MicroInterpreter* interpreter = nullptr;

}  // namespace

bool StartInference() {
  static kws_ops::OpResolver resolver;
  if (kws_ops::RegisterOps(resolver) != kTfLiteOk) return false;
  static tflite::MicroInterpreter started(tflite::GetModel(kws_data), resolver, arena,
                                          sizeof(arena));
  if (started.AllocateTensors() != kTfLiteOk) return false;
  interpreter = &started;
  return true;
}

size_t ArenaUsedBytes() { return interpreter->arena_used_bytes(); }

int8_t* ModelInput() { return interpreter->typed_input_tensor<int8_t>(0); }

bool RunInference() { return interpreter->Invoke() == kTfLiteOk; }

const int8_t* ModelOutput() { return interpreter->typed_output_tensor<int8_t>(0); }
