// report.txt: lines of key=value with a CRC at the end, written as they come.

#ifndef TFLOPT_SRC_REPORT_H_
#define TFLOPT_SRC_REPORT_H_

#include <cstddef>
#include <cstdint>

#include "platform.h"
#include "text.h"

namespace tflopt {

class Report {
 public:
  bool Open();
  // Writes the CRC. False when anything couldn't be written.
  bool Close();

  void Add(const char* key, const char* value);
  void Add(const char* key, uint64_t value);
  void AddHex(const char* key, uint32_t value);  // with 0x

  // A line in parts: Begin(key).Add(...).Add(...); End();
  TextWriter& Begin(const char* key);
  void End();

  // Lines from here on also go to the console.
  void Echo() { echo_ = true; }

 private:
  void Flush();

  platform::File file_ = platform::kNoFile;
  bool echo_ = false;
  bool broken_ = false;
  uint32_t crc_ = 0;
  FixedText<512> line_;
  FixedText<8192> pending_;
};

}  // namespace tflopt

#endif  // TFLOPT_SRC_REPORT_H_
