#include "text.h"

#include <array>
#include <cstring>

namespace tflopt {
namespace {

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1) != 0 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
    }
    table[i] = value;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

enum class Width : uint8_t { kInt, kLong, kLongLong, kSize };

// Steps over flags, width and precision, and reads the length modifier.
const char* ReadModifiers(const char* at, Width* width) {
  while (*at != '\0' && std::strchr("-+ #0123456789.", *at) != nullptr) ++at;
  *width = Width::kInt;
  for (; *at != '\0' && std::strchr("hlzjt", *at) != nullptr; ++at) {
    if (*at == 'l') *width = *width == Width::kLong ? Width::kLongLong : Width::kLong;
    if (*at == 'j') *width = Width::kLongLong;
    if (*at == 'z' || *at == 't') *width = Width::kSize;
  }
  return at;
}

struct Arguments {
  va_list list;
};

int64_t NextSigned(Arguments* arguments, Width width) {
  switch (width) {
    case Width::kLong:
      return va_arg(arguments->list, long);  // NOLINT: printf's own type
    case Width::kLongLong:
      return va_arg(arguments->list, long long);  // NOLINT: printf's own type
    case Width::kSize:
      return va_arg(arguments->list, ptrdiff_t);
    case Width::kInt:
      break;
  }
  return va_arg(arguments->list, int);
}

uint64_t NextUnsigned(Arguments* arguments, Width width) {
  const uint64_t value = static_cast<uint64_t>(NextSigned(arguments, width));
  if (width == Width::kLongLong) return value;
  if (width == Width::kLong && sizeof(long) == 8) return value;  // NOLINT: printf's own type
  if (width == Width::kSize && sizeof(size_t) == 8) return value;
  return static_cast<uint32_t>(value);
}

void AddConversion(TextWriter* writer, char conversion, Width width, Arguments* arguments) {
  switch (conversion) {
    case 'd':
    case 'i':
      writer->AddSigned(NextSigned(arguments, width));
      return;
    case 'u':
      writer->Add(NextUnsigned(arguments, width));
      return;
    case 'x':
    case 'X':
      writer->AddHex(static_cast<uint32_t>(NextUnsigned(arguments, width)));
      return;
    case 'p':
      writer->AddHex(static_cast<uint32_t>(NextUnsigned(arguments, Width::kSize)));
      return;
    case 'c':
      writer->AddChar(static_cast<char>(va_arg(arguments->list, int)));
      return;
    case 's': {
      const char* const text = va_arg(arguments->list, const char*);
      writer->Add(text == nullptr ? "(null)" : text);
      return;
    }
    case 'e':
    case 'f':
    case 'g':
      writer->AddDouble(va_arg(arguments->list, double));
      return;
    default:
      writer->AddChar(conversion);
  }
}

}  // namespace

TextWriter::TextWriter(char* data, size_t capacity) : data_(data), capacity_(capacity) { Clear(); }

void TextWriter::Clear() {
  size_ = 0;
  data_[0] = '\0';
}

TextWriter& TextWriter::Add(const char* text) { return Add(text, std::strlen(text)); }

TextWriter& TextWriter::Add(const char* text, size_t length) {
  const size_t room = capacity_ - 1 - size_;
  const size_t count = length < room ? length : room;
  std::memcpy(data_ + size_, text, count);
  size_ += count;
  data_[size_] = '\0';
  return *this;
}

TextWriter& TextWriter::Add(uint64_t number) {
  char digits[20];
  size_t first = sizeof(digits);
  do {
    digits[--first] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return Add(digits + first, sizeof(digits) - first);
}

TextWriter& TextWriter::AddSigned(int64_t number) {
  if (number >= 0) return Add(static_cast<uint64_t>(number));
  return Add("-").Add(~static_cast<uint64_t>(number) + 1);
}

TextWriter& TextWriter::AddHex(uint32_t number) {
  char digits[8];
  for (int i = 7; i >= 0; --i, number >>= 4) digits[i] = "0123456789abcdef"[number & 15];
  return Add(digits, sizeof(digits));
}

TextWriter& TextWriter::AddDouble(double number) {
  // Also false for not-a-number.
  if (!(number > -1e15 && number < 1e15)) return Add("(out of range)");
  if (number < 0) {
    Add("-");
    number = -number;
  }
  const uint64_t thousandths = static_cast<uint64_t>(number * 1000 + 0.5);
  Add(thousandths / 1000).Add(".");
  const uint64_t rest = thousandths % 1000;
  return Add(rest / 100).Add(rest / 10 % 10).Add(rest % 10);
}

TextWriter& TextWriter::AddChar(char character) {
  const char shown = character >= ' ' && character != 127 ? character : ' ';
  return Add(&shown, 1);
}

TextWriter& TextWriter::AddFormat(const char* format, va_list arguments) {
  Arguments rest;
  va_copy(rest.list, arguments);
  for (const char* at = format; *at != '\0'; ++at) {
    if (*at != '%') {
      Add(at, 1);
      continue;
    }
    Width width = Width::kInt;
    at = ReadModifiers(at + 1, &width);
    if (*at == '\0') break;
    AddConversion(this, *at, width, &rest);
  }
  va_end(rest.list);
  return *this;
}

bool ParseNumber(const char* text, size_t length, uint32_t* number) {
  if (length == 0 || length > 10) return false;
  uint64_t value = 0;
  for (size_t i = 0; i < length; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = 10 * value + static_cast<uint64_t>(text[i] - '0');
  }
  *number = static_cast<uint32_t>(value);
  return value <= UINT32_MAX;
}

uint32_t Crc32(uint32_t crc, const void* data, size_t bytes) {
  const uint8_t* const first = static_cast<const uint8_t*>(data);
  uint32_t value = ~crc;
  for (size_t i = 0; i < bytes; ++i) {
    value = kCrcTable[(value ^ first[i]) & 255] ^ (value >> 8);
  }
  return ~value;
}

}  // namespace tflopt
