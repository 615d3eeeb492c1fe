#include "session.h"

#include <cstring>

#include "tflopt/annotation.h"

namespace tflopt {
namespace {

constexpr const char* kIsaNames[] = {"scalar", "dsp", "mve"};
constexpr const char* kUnitNames[] = {"instructions", "cycles", "ticks"};

}  // namespace

Status Session::Run() {
  ReportBuild();
  const Step steps[] = {&Session::LoadModel, &Session::ChooseArena, &Session::Prepare,
                        &Session::OpenFiles, &Session::Samples,     &Session::TryLeastArena};
  Status status = ReadRequest(&request_, &message_);
  for (const Step step : steps) {
    if (status != Status::kOk) break;
    status = (this->*step)();
  }
  return status;
}

Status Session::Conclude(const CallResult& result) {
  const platform::TrapInfo& trap = result.trap;
  if (trap.trap == platform::Trap::kFault || trap.trap == platform::Trap::kStackOverflow) {
    report_.Add("fault", trap.name);
    report_.AddHex("pc", trap.pc);
    report_.AddHex("lr", trap.lr);
    report_.AddHex("cfsr", trap.cfsr);
    report_.AddHex("address", trap.address);
  }
  if (result.status == Status::kOk) return Status::kOk;
  message_.Clear();
  if (trap.trap == platform::Trap::kNone) {
    message_.Add(result.message);
  } else {
    const bool overflow = trap.trap == platform::Trap::kStackOverflow;
    message_.Add(overflow ? "the stack overflowed" : trap.name).Add(" during ").Add(phase_);
  }
  return result.status;
}

Status Session::Fail(Status status, const char* reason, const char* detail) {
  message_.Clear();
  message_.Add(reason).Add(detail);
  return status;
}

void Session::ReportBuild() {
  report_.Add("board", platform::BoardName());
  report_.Add("core", platform::CoreName());
  report_.Add("isa", kIsaNames[static_cast<size_t>(kBuildIsa)]);
  report_.Add("engine", engine_.Name());
  report_.Add("kernels", engine_.Kernels());
  if (engine_.Library() != nullptr) report_.Add("library", engine_.Library());
  report_.Add("compiler", "gcc " __VERSION__);
  report_.Add("operators", engine_.OperatorCount());
  report_.Add("model_limit", platform::ModelMemory().bytes);
  report_.Add("arena_limit", platform::ArenaMemory().bytes);
  report_.Add("unit", kUnitNames[static_cast<size_t>(platform::Unit())]);
  report_.Add("resolution", platform::CostResolution());
}

Status Session::LoadModel() {
  phase_ = "model";
  const Memory memory = platform::ModelMemory();
  const platform::File file = platform::OpenToRead(request_.model);
  size_t bytes = 0;
  if (file == platform::kNoFile || !platform::FileSize(file, &bytes)) {
    return Fail(Status::kIoFailed, "can't open the model ", request_.model);
  }
  const bool fits = bytes <= memory.bytes;
  const bool read = fits && platform::ReadExactly(file, memory.data, bytes);
  platform::Close(file);
  if (!fits) return Fail(Status::kRequestInvalid, "the model is larger than model_limit");
  if (!read) return Fail(Status::kIoFailed, "can't read the model ", request_.model);
  report_.Add("model_bytes", bytes);
  report_.Begin("model_crc32").AddHex(Crc32(0, memory.data, bytes));
  report_.End();
  options_.model = memory.data;
  options_.model_bytes = bytes;
  return Status::kOk;
}

Status Session::ChooseArena() {
  options_.arena = platform::ArenaMemory();
  if (request_.arena_bytes > options_.arena.bytes) {
    return Fail(Status::kRequestInvalid, "arena_bytes is larger than arena_limit");
  }
  if (request_.arena_bytes != 0) options_.arena.bytes = request_.arena_bytes;
  options_.verify = request_.verify;
  options_.preserve = request_.preserve;
  options_.profile = request_.profile;
  if (request_.plan || request_.profile) options_.recorder = &SharedRecorder();
  report_.Add("arena_bytes", options_.arena.bytes);
  return Status::kOk;
}

Status Session::Prepare() {
  GuardedEngine guarded(&engine_, request_.time_limit_ms);
  phase_ = "check";
  const Status checked = Conclude(guarded.Check(options_));
  if (checked != Status::kOk) return checked;
  phase_ = "allocate";
  platform::PaintStack();
  const Status allocated = Conclude(guarded.Allocate(options_));
  stack_used_ = platform::StackUsed();
  if (allocated != Status::kOk) return allocated;
  ReportAllocation();
  if (request_.plan) ReportPlan();
  ReportAnnotation();
  return Status::kOk;
}

void Session::ReportAllocation() {
  const ArenaUse use = engine_.Arena();
  report_.Add("arena_used", use.used);
  report_.Add("head", use.head);
  report_.Add("tail", use.tail);
  const auto line = [this](const char* key, size_t position, const TensorData& tensor) {
    report_.Begin(key).Add(position).Add(",").AddSigned(tensor.index).Add(",").Add(tensor.bytes);
    report_.End();
  };
  for (size_t i = 0; i < engine_.InputCount(); ++i) line("input", i, engine_.Input(i));
  for (size_t i = 0; i < engine_.OutputCount(); ++i) line("output", i, engine_.Output(i));
}

void Session::ReportPlan() {
  const Recorder& recorder = *options_.recorder;
  uint64_t index = 0;
  for (const PlannedBuffer& buffer : recorder.buffers) {
    TextWriter& line = report_.Begin("buffer").Add(index++).Add(",").AddSigned(buffer.size);
    line.Add(",").AddSigned(buffer.first_use).Add(",").AddSigned(buffer.last_use);
    line.Add(",").AddSigned(buffer.offset).Add(buffer.scratch ? ",scratch," : ",tensor,");
    if (!buffer.scratch) line.AddSigned(buffer.subgraph).Add(":");
    line.AddSigned(buffer.where).Add(buffer.offline ? ",offline" : "");
    report_.End();
  }
  for (const ScratchRequest& scratch : recorder.scratch) {
    TextWriter& line = report_.Begin("scratch").AddSigned(scratch.op).Add(",");
    line.Add(scratch.bytes).Add(",").AddSigned(scratch.subgraph);
    report_.End();
  }
  if (recorder.buffers.truncated()) report_.Add("truncated", "buffer");
  if (recorder.scratch.truncated()) report_.Add("truncated", "scratch");
}

void Session::ReportAnnotation() {
  Annotation annotation;
  Verdict verdict = ReadFromModel(options_.model, options_.model_bytes, &annotation);
  if (verdict == Verdict::kNoAnnotation) return report_.Add("annotation", "absent");
  if (verdict == Verdict::kOk) {
    Reality reality;
    // Preserved tensors take memory that no deployment takes.
    reality.used_bytes = request_.preserve ? 0 : engine_.Arena().used;
    reality.arena_bytes = request_.preserve ? 0 : options_.arena.bytes;
    reality.cmsis_nn = engine_.CmsisNn();
    verdict = Check(annotation, reality);
  }
  if (verdict == Verdict::kOk) return report_.Add("annotation", "ok");
  report_.Begin("annotation").Add("mismatch(").Add(Text(verdict)).Add(")");
  report_.End();
}

}  // namespace tflopt
