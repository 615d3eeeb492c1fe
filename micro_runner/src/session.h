// One run: request, model, invocations, report.

#ifndef TFLOPT_SRC_SESSION_H_
#define TFLOPT_SRC_SESSION_H_

#include "engine.h"
#include "engine_calls.h"
#include "platform.h"
#include "report.h"
#include "request.h"
#include "status.h"
#include "text.h"

namespace tflopt {

class Session {
 public:
  Session(Engine* engine, Report* report) : engine_(*engine), report_(*report) {}

  // Does what request.txt asks and reports it, up to and without the status.
  Status Run();
  // Why it failed; for the user.
  Message& message() { return message_; }
  const char* phase() const { return phase_; }

 private:
  using Step = Status (Session::*)();

  // Takes over what a call of the engine gave.
  Status Conclude(const CallResult& result);
  Status Fail(Status status, const char* reason, const char* detail = "");

  void ReportBuild();
  Status LoadModel();
  Status ChooseArena();
  Status Prepare();
  void ReportAllocation();
  void ReportPlan();
  void ReportAnnotation();
  Status OpenFiles();
  Status CheckInputsFile();
  Status OpenOutput(const char* name, platform::File* file);
  Status Samples();
  Status Sample(uint32_t index);
  Status WriteOutputs();
  Status WriteTensors();
  void ReportCosts();
  Status TryLeastArena();

  Engine& engine_;
  Report& report_;
  Request request_;
  EngineOptions options_;
  Message message_;
  const char* phase_ = "request";
  platform::File inputs_ = platform::kNoFile;
  platform::File outputs_ = platform::kNoFile;
  platform::File tensors_ = platform::kNoFile;
  uint64_t total_ = 0;
  size_t stack_used_ = 0;
  uint32_t crc_ = 0;
  uint32_t first_crc_ = 0;  // of the first sample's outputs alone
};

}  // namespace tflopt

#endif  // TFLOPT_SRC_SESSION_H_
