// What the runtime said: the first lines and the last ones.

#ifndef TFLOPT_SRC_LOG_H_
#define TFLOPT_SRC_LOG_H_

#include <cstddef>

#include "text.h"

namespace tflopt {

class Log {
 public:
  static constexpr size_t kKept = 16;  // lines at each end

  // Adds text; a line ends with '\n'.
  void Add(const char* text);
  // Whether text is dropped.
  void Mute(bool muted) { muted_ = muted; }

  // Lines that are kept: Line(0) ... Line(LineCount() - 1).
  size_t LineCount() const { return count_ < 2 * kKept ? count_ : 2 * kKept; }
  const char* Line(size_t index) const;

 private:
  void EndLine();

  FixedText<200> line_;
  char lines_[2 * kKept][200];
  size_t count_ = 0;
  bool muted_ = false;
};

// The log that the runtime writes to.
Log& RuntimeLog();

}  // namespace tflopt

#endif  // TFLOPT_SRC_LOG_H_
