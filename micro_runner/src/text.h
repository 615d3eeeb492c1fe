// Text in memory that its owner provides: cut off at the end, never written beyond it.

#ifndef TFLOPT_SRC_TEXT_H_
#define TFLOPT_SRC_TEXT_H_

#include <cstdarg>
#include <cstddef>
#include <cstdint>

namespace tflopt {

// Appends to a zero-terminated text of limited length.
class TextWriter {
 public:
  TextWriter(char* data, size_t capacity);

  TextWriter& Add(const char* text);
  TextWriter& Add(const char* text, size_t length);
  TextWriter& Add(uint64_t number);
  TextWriter& AddSigned(int64_t number);
  TextWriter& AddHex(uint32_t number);   // eight digits, lower case
  TextWriter& AddDouble(double number);  // three decimals
  TextWriter& AddChar(char character);   // control characters become spaces
  // As printf, for the conversions c d i u x X s p f g e %, with their length modifiers; width,
  // precision and flags are skipped.
  TextWriter& AddFormat(const char* format, va_list arguments);

  void Clear();
  const char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  char* data_;
  size_t capacity_;
  size_t size_ = 0;
};

// A text with room for `kBytes` - 1 characters.
template <size_t kBytes>
class FixedText : public TextWriter {
 public:
  FixedText() : TextWriter(storage_, kBytes) {}
  FixedText(const FixedText&) = delete;
  FixedText& operator=(const FixedText&) = delete;

 private:
  char storage_[kBytes];
};

using Message = FixedText<256>;

// A decimal number up to 4,294,967,295 that fills the text; false for anything else.
bool ParseNumber(const char* text, size_t length, uint32_t* number);

// CRC-32 as zlib's: start with 0, continue with the result.
uint32_t Crc32(uint32_t crc, const void* data, size_t bytes);

}  // namespace tflopt

#endif  // TFLOPT_SRC_TEXT_H_
