#ifndef EXAMPLE_APP_H_
#define EXAMPLE_APP_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Quantizes KWS_INPUT0_ELEMENTS features into the input tensor. */
void AppFillInput(const float* features, int8_t* input);

/* The index of the largest of KWS_OUTPUT0_ELEMENTS scores. */
int AppBestClass(const int8_t* scores);

#ifdef __cplusplus
}
#endif

#endif /* EXAMPLE_APP_H_ */
