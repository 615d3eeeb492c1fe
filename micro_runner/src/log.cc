#include "log.h"

#include <cstring>

namespace tflopt {

void Log::Add(const char* text) {
  if (muted_) return;
  for (; *text != '\0'; ++text) {
    if (*text == '\n') {
      EndLine();
    } else if (*text != '\r') {
      line_.AddChar(*text);
    }
  }
}

void Log::EndLine() {
  if (line_.size() == 0) return;
  const size_t slot = count_ < kKept ? count_ : kKept + (count_ - kKept) % kKept;
  std::memcpy(lines_[slot], line_.data(), line_.size() + 1);
  ++count_;
  line_.Clear();
}

const char* Log::Line(size_t index) const {
  if (index < kKept || count_ <= 2 * kKept) return lines_[index];
  return lines_[kKept + (count_ - kKept + (index - kKept)) % kKept];
}

Log& RuntimeLog() {
  static Log log;
  return log;
}

}  // namespace tflopt
