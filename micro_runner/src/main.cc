#include <cstddef>

#include "engine.h"
#include "log.h"
#include "platform.h"
#include "report.h"
#include "session.h"
#include "status.h"

namespace tflopt {
namespace {

Report g_report;

struct Run {
  Session session;
  Status status;
};

void RunSession(void* argument) {
  Run* const run = static_cast<Run*>(argument);
  run->status = run->session.Run();
}

void ReportEnd(Session* session, Status status) {
  Log& log = RuntimeLog();
  for (size_t i = 0; i < log.LineCount(); ++i) g_report.Add("log", log.Line(i));
  if (status != Status::kOk) {
    g_report.Add("phase", session->phase());
    g_report.Echo();
  }
  g_report.Add("status", Name(status));
  if (session->message().size() != 0) g_report.Add("message", session->message().data());
}

}  // namespace

int RunFirmware() {
  platform::StartCounter();
  if (!g_report.Open()) {
    platform::Print("report.txt can't be written: is semihosting on?\n");
    return kNoReportCode;
  }
  static Run run = {Session(&LinkedEngine(), &g_report), Status::kOk};
  // Traps of the runtime end where it was called; this one is for the session's own.
  const platform::TrapInfo trap = platform::RunGuarded(RunSession, &run, 0);
  if (trap.trap != platform::Trap::kNone) {
    run.session.message().Add(" ").Add(trap.name).Add(" in the runner itself");
    run.status = StatusOf(trap.trap);
  }
  ReportEnd(&run.session, run.status);
  if (!g_report.Close()) return kNoReportCode;
  return static_cast<int>(run.status);
}

}  // namespace tflopt

int main() { tflopt::platform::Exit(tflopt::RunFirmware()); }
