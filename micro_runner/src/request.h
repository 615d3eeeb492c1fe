// request.txt: what the host wants.

#ifndef TFLOPT_SRC_REQUEST_H_
#define TFLOPT_SRC_REQUEST_H_

#include <cstddef>
#include <cstdint>

#include "status.h"
#include "text.h"

namespace tflopt {

struct Request {
  static constexpr size_t kMaxTensors = 1024;

  const char* model = nullptr;  // names of files; null: absent
  const char* inputs = nullptr;
  const char* outputs = nullptr;
  const char* tensors_out = nullptr;
  uint32_t samples = 1;
  uint32_t arena_bytes = 0;
  uint32_t time_limit_ms = 60000;
  bool preserve = false;
  bool profile = false;
  bool plan = false;
  bool least_arena = false;
  bool verify = true;
  size_t tensor_count = 0;
  uint32_t tensors[kMaxTensors] = {};
};

// Parses a request of `bytes` bytes, followed by one more that may be written. Names in `request`
// point into `text`, which is cut into pieces.
Status ParseRequest(char* text, size_t bytes, Request* request, Message* message);

// Reads and parses request.txt.
Status ReadRequest(Request* request, Message* message);

}  // namespace tflopt

#endif  // TFLOPT_SRC_REQUEST_H_
