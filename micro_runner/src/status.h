// How a run ends. docs and codes: PROTOCOL.md.

#ifndef TFLOPT_SRC_STATUS_H_
#define TFLOPT_SRC_STATUS_H_

namespace tflopt {

// The value is the exit code.
enum class Status : int {
  kOk = 0,
  kRequestInvalid = 10,
  kIoFailed = 11,
  kModelInvalid = 12,
  kUnknownOp = 13,
  kAllocationFailed = 14,
  kInvokeFailed = 15,
  kFault = 16,
  kStackOverflow = 17,
  kWatchdog = 18,
  kAborted = 19,
};

constexpr int kNoReportCode = 20;

inline const char* Name(Status status) {
  switch (status) {
    case Status::kOk:
      return "ok";
    case Status::kRequestInvalid:
      return "request_invalid";
    case Status::kIoFailed:
      return "io_failed";
    case Status::kModelInvalid:
      return "model_invalid";
    case Status::kUnknownOp:
      return "unknown_op";
    case Status::kAllocationFailed:
      return "allocation_failed";
    case Status::kInvokeFailed:
      return "invoke_failed";
    case Status::kFault:
      return "fault";
    case Status::kStackOverflow:
      return "stack_overflow";
    case Status::kWatchdog:
      return "watchdog";
    case Status::kAborted:
      return "aborted";
  }
  return "unknown";
}

}  // namespace tflopt

#endif  // TFLOPT_SRC_STATUS_H_
