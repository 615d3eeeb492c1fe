#include "report.h"

namespace tflopt {

bool Report::Open() {
  file_ = platform::OpenToWrite("report.txt");
  if (file_ == platform::kNoFile) return false;
  Add("tflopt_report", 1);
  return true;
}

void Report::Add(const char* key, const char* value) {
  TextWriter& line = Begin(key);
  for (; *value != '\0'; ++value) line.AddChar(*value);
  End();
}

void Report::Add(const char* key, uint64_t value) {
  Begin(key).Add(value);
  End();
}

void Report::AddHex(const char* key, uint32_t value) {
  Begin(key).Add("0x").AddHex(value);
  End();
}

TextWriter& Report::Begin(const char* key) {
  line_.Clear();
  return line_.Add(key).Add("=");
}

void Report::End() {
  if (pending_.size() + line_.size() + 2 > 8192) Flush();
  pending_.Add(line_.data(), line_.size()).Add("\n");
  if (!echo_) return;
  platform::Print(line_.data());
  platform::Print("\n");
}

void Report::Flush() {
  crc_ = Crc32(crc_, pending_.data(), pending_.size());
  if (!platform::WriteExactly(file_, pending_.data(), pending_.size())) broken_ = true;
  pending_.Clear();
}

bool Report::Close() {
  Flush();
  Begin("crc32").AddHex(crc_);
  End();
  Flush();
  platform::Close(file_);
  return !broken_;
}

}  // namespace tflopt
