// The part of Session that runs samples.

#include <cstring>

#include "least_arena.h"
#include "log.h"
#include "session.h"

namespace tflopt {
namespace {

size_t InputBytes(Engine* engine) {
  size_t sum = 0;
  for (size_t i = 0; i < engine->InputCount(); ++i) sum += engine->Input(i).bytes;
  return sum;
}

}  // namespace

Status Session::OpenFiles() {
  phase_ = "files";
  const Status checked = CheckInputsFile();
  if (checked != Status::kOk) return checked;
  for (size_t i = 0; i < request_.tensor_count; ++i) {
    if (engine_.Tensor(request_.tensors[i]).data != nullptr) continue;
    message_.Add("there are no bytes of tensor ").Add(request_.tensors[i]);
    return Status::kRequestInvalid;
  }
  const Status opened = OpenOutput(request_.outputs, &outputs_);
  return opened == Status::kOk ? OpenOutput(request_.tensors_out, &tensors_) : opened;
}

Status Session::CheckInputsFile() {
  if (request_.inputs == nullptr) return Status::kOk;
  inputs_ = platform::OpenToRead(request_.inputs);
  size_t bytes = 0;
  if (inputs_ == platform::kNoFile || !platform::FileSize(inputs_, &bytes)) {
    return Fail(Status::kIoFailed, "can't open the inputs ", request_.inputs);
  }
  const uint64_t expected = static_cast<uint64_t>(InputBytes(&engine_)) * request_.samples;
  if (bytes == expected) return Status::kOk;
  message_.Add("the inputs have ").Add(bytes).Add(" bytes; the samples need ").Add(expected);
  return Status::kRequestInvalid;
}

Status Session::OpenOutput(const char* name, platform::File* file) {
  if (name == nullptr) return Status::kOk;
  *file = platform::OpenToWrite(name);
  return *file == platform::kNoFile ? Fail(Status::kIoFailed, "can't write ", name) : Status::kOk;
}

Status Session::Samples() {
  uint32_t done = 0;
  Status status = Status::kOk;
  while (done < request_.samples && status == Status::kOk) {
    status = Sample(done);
    if (status == Status::kOk) ++done;
  }
  platform::Close(outputs_);
  platform::Close(tensors_);
  report_.Add("samples_done", done);
  if (status == Status::kOk && done != 0) ReportCosts();
  return status;
}

Status Session::Sample(uint32_t index) {
  phase_ = "inputs";
  if (!FillInputs(&engine_, inputs_)) return Fail(Status::kIoFailed, "can't read the inputs");
  phase_ = "invoke";
  if (index == 0) platform::PaintStack();
  const CallResult result = GuardedEngine(&engine_, request_.time_limit_ms).Invoke();
  const size_t stack_used = index == 0 ? platform::StackUsed() : 0;
  if (stack_used > stack_used_) stack_used_ = stack_used;
  const Status invoked = Conclude(result);
  if (invoked != Status::kOk) return invoked;
  phase_ = "outputs";
  total_ = result.cost;
  crc_ = OutputsCrc(&engine_, crc_);
  if (index == 0) first_crc_ = crc_;
  const Status written = WriteOutputs();
  return written == Status::kOk ? WriteTensors() : written;
}

Status Session::WriteOutputs() {
  for (size_t i = 0; outputs_ != platform::kNoFile && i < engine_.OutputCount(); ++i) {
    const TensorData output = engine_.Output(i);
    if (platform::WriteExactly(outputs_, output.data, output.bytes)) continue;
    return Fail(Status::kIoFailed, "can't write the outputs");
  }
  return Status::kOk;
}

Status Session::WriteTensors() {
  for (size_t i = 0; i < request_.tensor_count; ++i) {
    const TensorData tensor = engine_.Tensor(request_.tensors[i]);
    if (platform::WriteExactly(tensors_, tensor.data, tensor.bytes)) continue;
    return Fail(Status::kIoFailed, "can't write the tensors");
  }
  return Status::kOk;
}

void Session::ReportCosts() {
  report_.Begin("outputs_crc32").AddHex(crc_);
  report_.End();
  report_.Add("stack_high_water", stack_used_);
  report_.Add("stack_limit", platform::StackLimit());
  report_.Add("total", total_);
  if (!request_.profile) return;
  uint64_t index = 0;
  for (const OperatorCost& op : options_.recorder->operators) {
    report_.Begin("op").Add(index++).Add(",").Add(op.name).Add(",").Add(op.cost);
    report_.End();
  }
  if (options_.recorder->operators.truncated()) report_.Add("truncated", "op");
}

Status Session::TryLeastArena() {
  if (!request_.least_arena) return Status::kOk;
  phase_ = "least_arena";
  const LeastArena::Reference reference = {request_.samples != 0, inputs_, first_crc_};
  GuardedEngine guarded(&engine_, request_.time_limit_ms);
  LeastArena search(&guarded, options_, reference);
  // That small arenas don't do is no news.
  RuntimeLog().Mute(true);
  const size_t least = search.Find(engine_.Arena().used);
  RuntimeLog().Mute(false);
  report_.Add("least_arena", least);
  report_.Add("least_arena_trials", search.trials());
  report_.Add("least_arena_faults", search.faults());
  return Status::kOk;
}

}  // namespace tflopt
