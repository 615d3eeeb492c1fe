// The model on TFLM: one static arena of the size that tflopt computed.
#include "app.h"
#include "kws_data.h"
#include "kws_info.h"
#include "kws_ops.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

alignas(KWS_ARENA_ALIGNMENT) uint8_t arena[KWS_ARENA_BYTES];

}  // namespace

// Runs the model once on whatever its input holds.
TfLiteStatus RunOnce() {
  kws_ops::OpResolver resolver;
  if (kws_ops::RegisterOps(resolver) != kTfLiteOk) return kTfLiteError;
  tflite::MicroInterpreter interpreter(tflite::GetModel(kws_data), resolver, arena,
                                       sizeof(arena));
  if (interpreter.AllocateTensors() != kTfLiteOk) return kTfLiteError;
  return interpreter.Invoke();
}
