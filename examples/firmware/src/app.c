#include "app.h"

#include "kws_info.h"

_Static_assert(sizeof(KWS_INPUT0_TYPE) == sizeof(int8_t), "the model has another input type");

void AppFillInput(const float* features, int8_t* input) {
  for (unsigned i = 0; i < KWS_INPUT0_ELEMENTS; ++i) {
    input[i] = kws_quantize_input0(features[i]);
  }
}

int AppBestClass(const int8_t* scores) {
  unsigned best = 0;
  for (unsigned i = 1; i < KWS_OUTPUT0_ELEMENTS; ++i) {
    if (scores[i] > scores[best]) best = i;
  }
  return (int)best;
}
