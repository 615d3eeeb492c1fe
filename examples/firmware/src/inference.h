#ifndef EXAMPLE_INFERENCE_H_
#define EXAMPLE_INFERENCE_H_

#include <cstddef>
#include <cstdint>

// Loads the model; once, before the others. False if the arena is too small, with TFLM's message.
bool StartInference();

// What the model took of its arena.
size_t ArenaUsedBytes();

// Where KWS_INPUT0_ELEMENTS values go, before each run.
int8_t* ModelInput();

bool RunInference();

// KWS_OUTPUT0_ELEMENTS values, until the next run.
const int8_t* ModelOutput();

#endif  // EXAMPLE_INFERENCE_H_
