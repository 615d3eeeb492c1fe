// The model on TFLM, once, on a fixed input: what it needs and what it gives, as lines of text.
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "app.h"
#include "board/semihosting.h"
#include "inference.h"
#include "kws_info.h"
#include "tensorflow/lite/micro/debug_log.h"

static_assert(KWS_INPUT_COUNT == 1 && KWS_OUTPUT_COUNT == 1, "write what feeds your model");

// Where TFLM's messages go; it takes the place of the library's own.
extern "C" void DebugLog(const char* format, va_list args) {
  char line[128];
  std::vsnprintf(line, sizeof(line), format, args);
  Print(line);
}

extern "C" int DebugVsnprintf(char* text, size_t bytes, const char* format, va_list args) {
  return std::vsnprintf(text, bytes, format, args);
}

namespace {

float features[KWS_INPUT0_ELEMENTS];

void PrintLine(const char* key, int value) {
  char line[64];
  std::snprintf(line, sizeof(line), "%s=%d\n", key, value);
  Print(line);
}

// Stands for what your sensor gives: every step of the input's quantization, in a fixed order.
void MakeFeatures() {
  for (unsigned i = 0; i < KWS_INPUT0_ELEMENTS; ++i) {
    features[i] = kws_dequantize_input0(static_cast<int8_t>(i * 37 + 11));
  }
}

}  // namespace

int main() {
  if (!StartInference()) {
    Print("the model can't be loaded\n");
    return 1;
  }
  PrintLine("arena_bytes", KWS_ARENA_BYTES);
  PrintLine("arena_used_bytes", static_cast<int>(ArenaUsedBytes()));
  MakeFeatures();
  AppFillInput(features, ModelInput());
  if (!RunInference()) {
    Print("the model can't be run\n");
    return 1;
  }
  const int8_t* const scores = ModelOutput();
  for (unsigned i = 0; i < KWS_OUTPUT0_ELEMENTS; ++i) PrintLine("score", scores[i]);
  PrintLine("class", AppBestClass(scores));
  return 0;
}
