#include "tflm/resolver.h"

#include "platform.h"
#include "tensorflow/lite/micro/micro_context.h"

namespace tflopt {
namespace {

// `outer` is what the interpreter keeps; being first, it leads back to `inner`.
struct Timed {
  TFLMRegistration outer;
  const TFLMRegistration* inner;
};

Timed g_timed[TFLOPT_OPERATOR_COUNT];
size_t g_timed_count = 0;
Recorder* g_recorder = nullptr;

TfLiteStatus InvokeTimed(TfLiteContext* context, TfLiteNode* node) {
  tflite::MicroInterpreterGraph& graph = GraphOf(context);
  const int subgraph = graph.GetCurrentSubgraphIndex();
  const int op = graph.GetCurrentOperatorIndex();
  const TFLMRegistration* const outer =
      graph.GetAllocations()[subgraph].node_and_registrations[op].registration;
  const auto invoke = reinterpret_cast<const Timed*>(outer)->inner->invoke;
  const uint64_t start = platform::ReadCounter();
  const TfLiteStatus status = invoke(context, node);
  const uint64_t cost = platform::ReadCounter() - start;
  if (subgraph != 0) return status;
  OperatorCost* const record = g_recorder->operators.At(static_cast<size_t>(op));
  if (record != nullptr) record->cost = cost;
  return status;
}

const TFLMRegistration* Wrapped(const TFLMRegistration* inner) {
  if (inner == nullptr || inner->invoke == nullptr) return inner;
  for (size_t i = 0; i < g_timed_count; ++i) {
    if (g_timed[i].inner == inner) return &g_timed[i].outer;
  }
  Timed* const timed = &g_timed[g_timed_count++];
  timed->outer = *inner;
  timed->outer.invoke = InvokeTimed;
  timed->inner = inner;
  return &timed->outer;
}

}  // namespace

tflite::MicroInterpreterGraph& GraphOf(const TfLiteContext* context) {
  return static_cast<tflite::MicroInterpreterGraph&>(tflite::GetMicroContext(context)->graph());
}

void TimingResolver::Wrap(const tflite::MicroOpResolver* resolver, Recorder* recorder) {
  resolver_ = resolver;
  g_recorder = recorder;
  g_timed_count = 0;
}

const TFLMRegistration* TimingResolver::FindOp(tflite::BuiltinOperator op) const {
  return Wrapped(resolver_->FindOp(op));
}

const TFLMRegistration* TimingResolver::FindOp(const char* op) const {
  return Wrapped(resolver_->FindOp(op));
}

}  // namespace tflopt
