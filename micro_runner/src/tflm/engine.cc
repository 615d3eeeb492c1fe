#include "engine.h"

#include <new>

#include "tensorflow/lite/micro/arena_allocator/single_arena_buffer_allocator.h"
#include "tensorflow/lite/micro/memory_helpers.h"
#include "tensorflow/lite/micro/memory_planner/greedy_memory_planner.h"
#include "tensorflow/lite/micro/memory_planner/linear_memory_planner.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tflm/model.h"
#include "tflm/operators.h"
#include "tflm/planner.h"
#include "tflm/resolver.h"

namespace tflopt {
namespace {

Recorder* g_scratch_recorder = nullptr;

TfLiteStatus RequestScratch(TfLiteContext* context, size_t bytes, int* buffer_index) {
  const TfLiteStatus status =
      tflite::MicroContextRequestScratchBufferInArena(context, bytes, buffer_index);
  ScratchRequest* const record = status == kTfLiteOk ? g_scratch_recorder->scratch.Add() : nullptr;
  if (record == nullptr) return status;
  tflite::MicroInterpreterGraph& graph = GraphOf(context);
  record->subgraph = graph.GetCurrentSubgraphIndex();
  record->op = graph.GetCurrentOperatorIndex();
  record->bytes = static_cast<uint32_t>(bytes);
  return status;
}

class Interpreter : public tflite::MicroInterpreter {
 public:
  using MicroInterpreter::MicroInterpreter;

  // The context hands out function pointers; this puts ours in front of one.
  void RecordScratch(Recorder* recorder) {
    g_scratch_recorder = recorder;
    const_cast<TfLiteContext&>(context()).RequestScratchBufferInArena = RequestScratch;
  }
  TfLiteEvalTensor* EvalTensors(int subgraph) {
    return GraphOf(&context()).GetAllocations()[subgraph].tensors;
  }
};

class TflmEngine : public Engine {
 public:
  const char* Name() const override { return "tflm"; }
  const char* Kernels() const override { return TFLOPT_KERNELS; }
  const char* Library() const override {
    return *TFLOPT_LIBRARY == '\0' ? nullptr : TFLOPT_LIBRARY;
  }
  const char* CmsisNn() const override {
    return *TFLOPT_CMSIS_NN == '\0' ? nullptr : TFLOPT_CMSIS_NN;
  }
  size_t OperatorCount() const override { return TFLOPT_OPERATOR_COUNT; }

  Status Check(const EngineOptions& options, Message* message) override;
  Status Allocate(const EngineOptions& options, Message* message) override;
  Status Invoke(Message* message) override;
  ArenaUse Arena() const override;
  size_t InputCount() const override { return interpreter_->inputs_size(); }
  size_t OutputCount() const override { return interpreter_->outputs_size(); }
  TensorData Input(size_t position) override;
  TensorData Output(size_t position) override;
  TensorData Tensor(size_t index) override;

 private:
  tflite::MicroMemoryPlanner* MakePlanner(bool preserve);
  bool MakeInterpreter(const EngineOptions& options);
  void Record(const EngineOptions& options);
  void RecordPlan(const EngineOptions& options);

  const tflite::Model* model_ = nullptr;
  tflite::SingleArenaBufferAllocator* arena_ = nullptr;
  Interpreter* interpreter_ = nullptr;
  bool preserve_ = false;
  RecordingPlanner planner_;
  TimingResolver timing_;
  alignas(Interpreter) uint8_t interpreter_memory_[sizeof(Interpreter)];
};

Status TflmEngine::Check(const EngineOptions& options, Message* message) {
  const Status status = CheckBytes(options.model, options.model_bytes, options.verify, message);
  if (status != Status::kOk) return status;
  model_ = tflite::GetModel(options.model);
  return CheckOperators(*model_, LibraryOperators(), message);
}

// Where MicroAllocator::Create() puts the planner of its own: first in the arena's tail. So the
// arena is used to the byte as in firmware that doesn't record.
tflite::MicroMemoryPlanner* TflmEngine::MakePlanner(bool preserve) {
  if (preserve) {
    using Planner = tflite::LinearMemoryPlanner;
    void* const memory = arena_->AllocatePersistentBuffer(sizeof(Planner), alignof(Planner));
    return memory == nullptr ? nullptr : new (memory) Planner();
  }
  using Planner = tflite::GreedyMemoryPlanner;
  void* const memory = arena_->AllocatePersistentBuffer(sizeof(Planner), alignof(Planner));
  return memory == nullptr ? nullptr : new (memory) Planner();
}

bool TflmEngine::MakeInterpreter(const EngineOptions& options) {
  arena_ = tflite::SingleArenaBufferAllocator::Create(options.arena.data, options.arena.bytes);
  tflite::MicroMemoryPlanner* const planner = MakePlanner(options.preserve);
  if (planner == nullptr) return false;
  planner_.Wrap(planner, options.recorder);
  tflite::MicroAllocator* const allocator = tflite::MicroAllocator::Create(arena_, &planner_);
  const tflite::MicroOpResolver* resolver = &LibraryOperators();
  if (options.profile) {
    timing_.Wrap(resolver, options.recorder);
    resolver = &timing_;
  }
  tflite::MicroResourceVariables* variables = nullptr;
  const size_t variable_count = CountVariables(*model_);
  if (variable_count != 0) {
    variables = tflite::MicroResourceVariables::Create(allocator, static_cast<int>(variable_count));
    if (variables == nullptr) return false;
  }
  interpreter_ =
      new (interpreter_memory_) Interpreter(model_, *resolver, allocator, variables, nullptr);
  return true;
}

Status TflmEngine::Allocate(const EngineOptions& options, Message* message) {
  preserve_ = options.preserve;
  Recorder* const recorder = options.recorder;
  if (recorder != nullptr) {
    recorder->buffers.Clear();
    recorder->scratch.Clear();
    recorder->operators.Clear();
  }
  const bool made = MakeInterpreter(options);
  if (made && recorder != nullptr) interpreter_->RecordScratch(recorder);
  if (!made || interpreter_->AllocateTensors() != kTfLiteOk) {
    message->Add("allocation failed in an arena of ").Add(options.arena.bytes).Add(" bytes");
    return Status::kAllocationFailed;
  }
  if (recorder != nullptr) Record(options);
  return Status::kOk;
}

void TflmEngine::Record(const EngineOptions& options) {
  const auto* const operators = model_->subgraphs()->Get(0)->operators();
  for (size_t i = 0; operators != nullptr && i < operators->size(); ++i) {
    OperatorCost* const record = options.recorder->operators.Add();
    if (record != nullptr) record->name = OperatorName(*model_, *operators->Get(i));
  }
  RecordPlan(options);
}

// The runtime hands its planner all tensors that lie in the head, in the model's order, and then
// the scratch requests.
void TflmEngine::RecordPlan(const EngineOptions& options) {
  auto& buffers = options.recorder->buffers;
  const size_t scratch_count = options.recorder->scratch.size();
  const size_t tensor_count = buffers.size() - scratch_count;
  size_t next = 0;
  const auto subgraphs = static_cast<int32_t>(model_->subgraphs()->size());
  for (int32_t subgraph = 0; subgraph < subgraphs; ++subgraph) {
    const auto count = static_cast<int32_t>(model_->subgraphs()->Get(subgraph)->tensors()->size());
    for (int32_t index = 0; index < count && next < tensor_count; ++index) {
      PlannedBuffer* const buffer = buffers.At(next);
      const void* const data = interpreter_->EvalTensors(subgraph)[index].data.data;
      if (data != options.arena.data + buffer->offset) continue;
      buffer->subgraph = subgraph;
      buffer->where = index;
      ++next;
    }
  }
  for (size_t i = 0; i < scratch_count && tensor_count + i < buffers.size(); ++i) {
    buffers.At(tensor_count + i)->scratch = true;
    buffers.At(tensor_count + i)->where = static_cast<int32_t>(i);
  }
}

Status TflmEngine::Invoke(Message* message) {
  if (interpreter_->Invoke() == kTfLiteOk) return Status::kOk;
  message->Add("an operator failed");
  return Status::kInvokeFailed;
}

ArenaUse TflmEngine::Arena() const {
  return {interpreter_->arena_used_bytes(), arena_->GetNonPersistentUsedBytes(),
          arena_->GetPersistentUsedBytes()};
}

TensorData TflmEngine::Input(size_t position) {
  const TfLiteTensor* const tensor = interpreter_->input(position);
  return {interpreter_->inputs().Get(static_cast<uint32_t>(position)), tensor->data.data,
          tensor->bytes};
}

TensorData TflmEngine::Output(size_t position) {
  const TfLiteTensor* const tensor = interpreter_->output(position);
  return {interpreter_->outputs().Get(static_cast<uint32_t>(position)), tensor->data.data,
          tensor->bytes};
}

TensorData TflmEngine::Tensor(size_t index) {
  TensorData result;
  if (!preserve_ || index >= model_->subgraphs()->Get(0)->tensors()->size()) return result;
  const TfLiteEvalTensor* const tensor = interpreter_->EvalTensors(0) + index;
  if (tflite::TfLiteEvalTensorByteLength(tensor, &result.bytes) != kTfLiteOk) return result;
  result.index = static_cast<int>(index);
  result.data = tensor->data.data;
  return result;
}

}  // namespace

Engine& LinkedEngine() {
  static TflmEngine engine;
  return engine;
}

}  // namespace tflopt
