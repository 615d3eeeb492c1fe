// Operators whose invocations are timed.

#ifndef TFLOPT_SRC_TFLM_RESOLVER_H_
#define TFLOPT_SRC_TFLM_RESOLVER_H_

#include <cstddef>

#include "recorder.h"
#include "tensorflow/lite/micro/compatibility.h"
#include "tensorflow/lite/micro/micro_common.h"
#include "tensorflow/lite/micro/micro_interpreter_graph.h"
#include "tensorflow/lite/micro/micro_op_resolver.h"

namespace tflopt {

// The graph that an operator runs in.
tflite::MicroInterpreterGraph& GraphOf(const TfLiteContext* context);

// Hands out registrations that measure what `invoke` costs. TFLM's own profiler interface is not
// compiled into libraries without log strings.
class TimingResolver : public tflite::MicroOpResolver {
 public:
  // Costs of the operators of subgraph 0 go to `recorder`; one object exists at a time.
  void Wrap(const tflite::MicroOpResolver* resolver, Recorder* recorder);

  const TFLMRegistration* FindOp(tflite::BuiltinOperator op) const override;
  const TFLMRegistration* FindOp(const char* op) const override;
  tflite::TfLiteBridgeBuiltinParseFunction GetOpDataParser(
      tflite::BuiltinOperator op) const override {
    return resolver_->GetOpDataParser(op);
  }

 private:
  const tflite::MicroOpResolver* resolver_ = nullptr;

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

}  // namespace tflopt

#endif  // TFLOPT_SRC_TFLM_RESOLVER_H_
