// A stand-in for TFLM, so that everything around it can be tested without a library.
//
// Its "model" is text: `small_engine=1`, then lines of key=value that say what to do:
//   bytes=N       of the input and of the output (16); output[i] = input[i] + 1 + samples so far
//   arena=N       the arena that it needs (1000)
//   ops=N         operators (3); operator i runs (i + 1) * work rounds of a loop
//   work=N        (100)
//   lacks=NAME    an operator that it doesn't have
//   fails=WHERE   check, allocate or invoke says that it failed
//   trap=KIND     what happens during `where` (invoke): null_write, undefined, wild_jump, stack,
//                 smash, loop or abort
//   where=WHERE   allocate or invoke
//   crash_below=N in arenas that are smaller, allocation smashes memory
//   says=TEXT     goes to the log

#include <cstring>

#include "engine.h"
#include "log.h"

namespace tflopt {
namespace {

constexpr size_t kMaxOps = 64;
constexpr size_t kHeaderBytes = 160;  // the arena beyond the tensors

// Without end: `outer` is never 1, which the compiler can't know.
int Recurse(volatile const char* outer) {
  volatile char frame[256];
  frame[0] = *outer;
  if (frame[0] == 1) return 0;
  return Recurse(frame) + frame[0];
}

// Overwrites everything above its own frame, as a copy of a wrong size does.
void Smash() {
  volatile uint32_t here = 0;
  for (volatile uint32_t* word = &here;; word = word + 1) *word = 0xDEADBEEF;
}

void TrapAs(const char* kind) {
  volatile uintptr_t address = 0;
  char start = 0;
  if (std::strcmp(kind, "null_write") == 0) *reinterpret_cast<volatile uint32_t*>(address) = 1;
  if (std::strcmp(kind, "undefined") == 0) __builtin_trap();
  if (std::strcmp(kind, "wild_jump") == 0) {
    address = 0xE0000000u;
    reinterpret_cast<void (*)()>(address)();
  }
  if (std::strcmp(kind, "stack") == 0) Recurse(&start);
  if (std::strcmp(kind, "smash") == 0) Smash();
  if (std::strcmp(kind, "abort") == 0) platform::Abort("abort()");
  while (std::strcmp(kind, "loop") == 0 && address == 0) {
  }
}

class SmallEngine : public Engine {
 public:
  const char* Name() const override { return "small"; }
  const char* Kernels() const override { return "none"; }
  const char* Library() const override { return nullptr; }
  const char* CmsisNn() const override { return nullptr; }
  size_t OperatorCount() const override { return 1; }

  Status Check(const EngineOptions& options, Message* message) override;
  Status Allocate(const EngineOptions& options, Message* message) override;
  Status Invoke(Message* message) override;
  ArenaUse Arena() const override { return {needed_, 2 * bytes_, needed_ - 2 * bytes_}; }
  size_t InputCount() const override { return 1; }
  size_t OutputCount() const override { return 1; }
  TensorData Input(size_t) override { return {0, arena_, bytes_}; }
  TensorData Output(size_t) override { return {1, arena_ + bytes_, bytes_}; }
  TensorData Tensor(size_t index) override;

 private:
  uint32_t Number(const char* key, uint32_t otherwise) const;
  const char* Word(const char* key);
  bool Is(const char* key, const char* value) { return std::strcmp(Word(key), value) == 0; }
  void Record(Recorder* recorder);

  const uint8_t* text_ = nullptr;
  size_t text_bytes_ = 0;
  char word_[64];
  uint8_t* arena_ = nullptr;
  size_t bytes_ = 0;
  size_t needed_ = 0;
  uint32_t samples_ = 0;
  bool preserve_ = false;
  Recorder* profile_ = nullptr;
};

// The value of a key, or nothing.
const char* SmallEngine::Word(const char* key) {
  const size_t length = std::strlen(key);
  word_[0] = '\0';
  for (size_t at = 0; at + length + 1 < text_bytes_; ++at) {
    if (at != 0 && text_[at - 1] != '\n') continue;
    if (std::memcmp(text_ + at, key, length) != 0 || text_[at + length] != '=') continue;
    size_t size = 0;
    for (at += length + 1; at < text_bytes_ && text_[at] != '\n' && size + 1 < sizeof(word_);
         ++at) {
      word_[size++] = static_cast<char>(text_[at]);
    }
    word_[size] = '\0';
    return word_;
  }
  return word_;
}

uint32_t SmallEngine::Number(const char* key, uint32_t otherwise) const {
  uint32_t number = otherwise;
  SmallEngine copy(*this);
  const char* const word = copy.Word(key);
  ParseNumber(word, std::strlen(word), &number);
  return number;
}

Status SmallEngine::Check(const EngineOptions& options, Message* message) {
  text_ = options.model;
  text_bytes_ = options.model_bytes;
  if (!Is("small_engine", "1")) {
    message->Add("this is not a model of the small engine");
    return Status::kModelInvalid;
  }
  if (*Word("lacks") != '\0') {
    message->Add("the library lacks ").Add(word_);
    return Status::kUnknownOp;
  }
  bytes_ = Number("bytes", 16);
  needed_ = Number("arena", 1000);
  const bool fits = needed_ >= 3 * bytes_ + kHeaderBytes && Number("ops", 3) <= kMaxOps;
  if (!fits || Is("fails", "check")) {
    message->Add("the model is broken");
    return Status::kModelInvalid;
  }
  return Status::kOk;
}

void SmallEngine::Record(Recorder* recorder) {
  recorder->buffers.Clear();
  recorder->scratch.Clear();
  recorder->operators.Clear();
  const uint32_t ops = Number("ops", 3);
  for (uint32_t i = 0; i < ops; ++i) recorder->operators.Add()->name = "LOOP";
  for (int32_t i = 0; i < 2; ++i) {
    PlannedBuffer* const tensor = recorder->buffers.Add();
    tensor->size = static_cast<int32_t>(bytes_);
    tensor->offset = i * tensor->size;
    tensor->last_use = static_cast<int32_t>(ops);
    tensor->where = i;
    tensor->offline = i == 1;
  }
  PlannedBuffer* const scratch = recorder->buffers.Add();
  *scratch = {16, 1, 1, static_cast<int32_t>(2 * bytes_), false, true, -1, 0};
  recorder->scratch.Add()->bytes = 13;
}

Status SmallEngine::Allocate(const EngineOptions& options, Message* message) {
  arena_ = options.arena.data;
  samples_ = 0;
  preserve_ = options.preserve;
  profile_ = options.profile ? options.recorder : nullptr;
  if (*Word("says") != '\0') {
    RuntimeLog().Add(word_);
    RuntimeLog().Add("\r\n");
  }
  if (Is("where", "allocate")) TrapAs(Word("trap"));
  if (options.arena.bytes < Number("crash_below", 0)) Smash();
  if (options.arena.bytes < needed_ || Is("fails", "allocate")) {
    message->Add("allocation failed in an arena of ").Add(options.arena.bytes).Add(" bytes");
    return Status::kAllocationFailed;
  }
  if (options.recorder != nullptr) Record(options.recorder);
  return Status::kOk;
}

Status SmallEngine::Invoke(Message* message) {
  if (!Is("where", "allocate")) TrapAs(Word("trap"));
  if (Is("fails", "invoke")) {
    message->Add("an operator failed");
    return Status::kInvokeFailed;
  }
  const uint32_t ops = Number("ops", 3);
  const uint32_t work = Number("work", 100);
  for (uint32_t op = 0; op < ops; ++op) {
    const uint64_t start = profile_ == nullptr ? 0 : platform::ReadCounter();
    for (volatile uint32_t left = (op + 1) * work; left != 0; left = left - 1) {
    }
    if (profile_ == nullptr) continue;
    profile_->operators.At(op)->cost = platform::ReadCounter() - start;
  }
  for (size_t i = 0; i < bytes_; ++i) {
    arena_[2 * bytes_ + i] = static_cast<uint8_t>(arena_[i] + 1);
    arena_[bytes_ + i] = static_cast<uint8_t>(arena_[2 * bytes_ + i] + samples_);
  }
  ++samples_;
  return Status::kOk;
}

TensorData SmallEngine::Tensor(size_t index) {
  if (!preserve_ || index > 2) return TensorData();
  return {static_cast<int>(index), arena_ + index * bytes_, bytes_};
}

}  // namespace

Engine& LinkedEngine() {
  static SmallEngine engine;
  return engine;
}

}  // namespace tflopt
