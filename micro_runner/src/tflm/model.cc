#include "tflm/model.h"

#include <cstring>

#include "tensorflow/lite/schema/schema_utils.h"

namespace tflopt {
namespace {

using Indices = flatbuffers::Vector<int32_t>;

Status Invalid(Message* message, const char* reason) {
  message->Add("the model is broken: ").Add(reason);
  return Status::kModelInvalid;
}

// -1 stands for an input that is left out.
bool InRange(const Indices* indices, size_t count) {
  for (size_t i = 0; indices != nullptr && i < indices->size(); ++i) {
    if (indices->Get(i) < -1 || indices->Get(i) >= static_cast<int64_t>(count)) return false;
  }
  return true;
}

const char* CheckSubgraph(const tflite::Model& model, const tflite::SubGraph& graph) {
  if (graph.tensors() == nullptr) return "a subgraph has no tensors";
  const size_t tensors = graph.tensors()->size();
  for (const tflite::Tensor* tensor : *graph.tensors()) {
    if (tensor->buffer() >= model.buffers()->size()) return "a tensor's buffer doesn't exist";
  }
  if (!InRange(graph.inputs(), tensors) || !InRange(graph.outputs(), tensors)) {
    return "the interface names a tensor that doesn't exist";
  }
  for (size_t i = 0; graph.operators() != nullptr && i < graph.operators()->size(); ++i) {
    const tflite::Operator& op = *graph.operators()->Get(i);
    if (op.opcode_index() >= model.operator_codes()->size()) return "an operator has no code";
    if (!InRange(op.inputs(), tensors) || !InRange(op.outputs(), tensors)) {
      return "an operator names a tensor that doesn't exist";
    }
  }
  return nullptr;
}

// Calls function(op) for every operator of the model.
template <typename Function>
void ForEachOperator(const tflite::Model& model, Function function) {
  for (const tflite::SubGraph* graph : *model.subgraphs()) {
    if (graph->operators() == nullptr) continue;
    for (const tflite::Operator* op : *graph->operators()) function(*op);
  }
}

bool Resolves(const tflite::OperatorCode& code, const tflite::MicroOpResolver& resolver) {
  const tflite::BuiltinOperator kind = tflite::GetBuiltinCode(&code);
  if (kind != tflite::BuiltinOperator_CUSTOM) return resolver.FindOp(kind) != nullptr;
  return code.custom_code() != nullptr && resolver.FindOp(code.custom_code()->c_str()) != nullptr;
}

const char* CodeName(const tflite::OperatorCode& code) {
  const tflite::BuiltinOperator kind = tflite::GetBuiltinCode(&code);
  if (kind == tflite::BuiltinOperator_CUSTOM && code.custom_code() != nullptr) {
    return code.custom_code()->c_str();
  }
  return tflite::EnumNameBuiltinOperator(kind);
}

}  // namespace

Status CheckBytes(const uint8_t* data, size_t bytes, bool verify, Message* message) {
  if (bytes < 8 || !tflite::ModelBufferHasIdentifier(data)) {
    message->Add("this is not a TFLite model");
    return Status::kModelInvalid;
  }
  if (!verify) return Status::kOk;
  flatbuffers::Verifier verifier(data, bytes);
  if (!tflite::VerifyModelBuffer(verifier)) return Invalid(message, "its FlatBuffer");
  const tflite::Model& model = *tflite::GetModel(data);
  if (model.subgraphs() == nullptr || model.subgraphs()->size() == 0) {
    return Invalid(message, "no subgraph");
  }
  if (model.operator_codes() == nullptr || model.buffers() == nullptr) {
    return Invalid(message, "no operator codes or buffers");
  }
  const tflite::SubGraph& main = *model.subgraphs()->Get(0);
  if (main.inputs() == nullptr || main.outputs() == nullptr) {
    return Invalid(message, "no inputs or outputs");
  }
  for (const tflite::SubGraph* graph : *model.subgraphs()) {
    const char* const reason = CheckSubgraph(model, *graph);
    if (reason != nullptr) return Invalid(message, reason);
  }
  return Status::kOk;
}

Status CheckOperators(const tflite::Model& model, const tflite::MicroOpResolver& resolver,
                      Message* message) {
  bool missing = false;
  for (size_t i = 0; i < model.operator_codes()->size(); ++i) {
    const tflite::OperatorCode& code = *model.operator_codes()->Get(i);
    bool used = false;
    ForEachOperator(model, [&](const tflite::Operator& op) { used |= op.opcode_index() == i; });
    if (!used || Resolves(code, resolver)) continue;
    message->Add(missing ? ", " : "the library lacks ").Add(CodeName(code));
    missing = true;
  }
  return missing ? Status::kUnknownOp : Status::kOk;
}

const char* OperatorName(const tflite::Model& model, const tflite::Operator& op) {
  return CodeName(*model.operator_codes()->Get(op.opcode_index()));
}

namespace {

// The options of a VAR_HANDLE, null for another operator.
const tflite::VarHandleOptions* VariableOf(const tflite::Model& model, const tflite::Operator& op) {
  const tflite::OperatorCode* const code = model.operator_codes()->Get(op.opcode_index());
  const bool is_handle = tflite::GetBuiltinCode(code) == tflite::BuiltinOperator_VAR_HANDLE;
  return is_handle ? op.builtin_options_as_VarHandleOptions() : nullptr;
}

// A text that is left out is an empty one.
bool SameText(const flatbuffers::String* one, const flatbuffers::String* two) {
  return strcmp(one == nullptr ? "" : one->c_str(), two == nullptr ? "" : two->c_str()) == 0;
}

}  // namespace

size_t CountVariables(const tflite::Model& model) {
  size_t count = 0;
  size_t position = 0;
  ForEachOperator(model, [&](const tflite::Operator& op) {
    const tflite::VarHandleOptions* const variable = VariableOf(model, op);
    const size_t here = position++;
    if (variable == nullptr) return;
    bool seen = false;
    size_t other = 0;
    ForEachOperator(model, [&](const tflite::Operator& earlier) {
      if (other++ >= here) return;
      const tflite::VarHandleOptions* const known = VariableOf(model, earlier);
      seen |= known != nullptr && SameText(known->container(), variable->container()) &&
              SameText(known->shared_name(), variable->shared_name());
    });
    if (!seen) ++count;
  });
  return count;
}

}  // namespace tflopt
