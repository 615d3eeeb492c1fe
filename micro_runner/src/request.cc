#include "request.h"

#include <cstring>

#include "platform.h"

namespace tflopt {
namespace {

constexpr size_t kMaxBytes = 16384;

struct Field {
  const char* key;
  uint32_t seen;  // its bit in Parser::seen_
  const char* Request::* name;
  uint32_t Request::* number;
  bool Request::* flag;
};

constexpr Field Name(const char* key, uint32_t bit, const char* Request::* field) {
  return {key, 1u << bit, field, nullptr, nullptr};
}
constexpr Field Number(const char* key, uint32_t bit, uint32_t Request::* field) {
  return {key, 1u << bit, nullptr, field, nullptr};
}
constexpr Field Flag(const char* key, uint32_t bit, bool Request::* field) {
  return {key, 1u << bit, nullptr, nullptr, field};
}

constexpr Field kFields[] = {
    Name("model", 0, &Request::model),
    Name("inputs", 1, &Request::inputs),
    Name("outputs", 2, &Request::outputs),
    Name("tensors_out", 3, &Request::tensors_out),
    Number("samples", 4, &Request::samples),
    Number("arena_bytes", 5, &Request::arena_bytes),
    Number("time_limit_ms", 6, &Request::time_limit_ms),
    Flag("preserve", 7, &Request::preserve),
    Flag("profile", 8, &Request::profile),
    Flag("plan", 9, &Request::plan),
    Flag("least_arena", 10, &Request::least_arena),
    Flag("verify", 11, &Request::verify),
};
constexpr uint32_t kTensorsSeen = 1u << 12;

bool ParseTensors(const char* value, Request* request) {
  while (true) {
    const char* const comma = std::strchr(value, ',');
    const size_t length =
        comma == nullptr ? std::strlen(value) : static_cast<size_t>(comma - value);
    if (request->tensor_count == Request::kMaxTensors) return false;
    if (!ParseNumber(value, length, &request->tensors[request->tensor_count])) return false;
    ++request->tensor_count;
    if (comma == nullptr) return true;
    value = comma + 1;
  }
}

bool ParseValue(const Field& field, const char* value, Request* request) {
  const size_t length = std::strlen(value);
  if (field.name != nullptr) {
    request->*field.name = value;
    return length != 0;
  }
  uint32_t number = 0;
  if (!ParseNumber(value, length, &number)) return false;
  if (field.number != nullptr) {
    request->*field.number = number;
    return true;
  }
  request->*field.flag = number == 1;
  return number <= 1;
}

// Whether the line could be read.
bool ParseLine(char* line, uint32_t* seen, Request* request) {
  char* const equals = std::strchr(line, '=');
  if (equals == nullptr) return false;
  *equals = '\0';
  const char* const value = equals + 1;
  if (std::strcmp(line, "tensors") == 0) {
    if ((*seen & kTensorsSeen) != 0) return false;
    *seen |= kTensorsSeen;
    return ParseTensors(value, request);
  }
  for (const Field& field : kFields) {
    if (std::strcmp(line, field.key) != 0) continue;
    if ((*seen & field.seen) != 0) return false;
    *seen |= field.seen;
    return ParseValue(field, value, request);
  }
  return false;
}

Status Refuse(Message* message, const char* reason, const char* detail = "") {
  message->Add("request.txt: ").Add(reason).Add(detail);
  return Status::kRequestInvalid;
}

Status CheckTogether(const Request& request, Message* message) {
  if (request.model == nullptr) return Refuse(message, "model is missing");
  if (request.time_limit_ms == 0) return Refuse(message, "time_limit_ms must not be 0");
  const bool tensors = request.tensor_count != 0;
  if (tensors != (request.tensors_out != nullptr)) {
    return Refuse(message, "tensors and tensors_out go together");
  }
  if (tensors && !request.preserve) return Refuse(message, "tensors needs preserve=1");
  return Status::kOk;
}

}  // namespace

Status ParseRequest(char* text, size_t bytes, Request* request, Message* message) {
  text[bytes] = '\0';
  if (std::strlen(text) != bytes) return Refuse(message, "has a zero byte");
  uint32_t seen = 0;
  bool first = true;
  for (char* line = text; *line != '\0'; first = false) {
    char* const end = std::strchr(line, '\n');
    if (end == nullptr) return Refuse(message, "the last line has no end");
    *end = '\0';
    Message copy;
    copy.Add(line);
    if (first && std::strcmp(line, "tflopt_request=1") != 0) {
      return Refuse(message, "the first line is not tflopt_request=1: ", copy.data());
    }
    if (!first && !ParseLine(line, &seen, request)) {
      return Refuse(message, "can't be understood: ", copy.data());
    }
    line = end + 1;
  }
  return CheckTogether(*request, message);
}

Status ReadRequest(Request* request, Message* message) {
  static char text[kMaxBytes];
  size_t bytes = 0;
  const platform::File file = platform::OpenToRead("request.txt");
  if (file == platform::kNoFile || !platform::FileSize(file, &bytes)) {
    message->Add("request.txt can't be opened");
    return Status::kIoFailed;
  }
  const bool fits = bytes < kMaxBytes;
  const bool read = fits && platform::ReadExactly(file, text, bytes);
  platform::Close(file);
  if (!fits) return Refuse(message, "is longer than 16,383 bytes");
  if (!read) {
    message->Add("request.txt can't be read");
    return Status::kIoFailed;
  }
  return ParseRequest(text, bytes, request, message);
}

}  // namespace tflopt
