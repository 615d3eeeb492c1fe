"""``main.cc``: the least firmware that loads and runs the models."""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.emit.text import banner

HEADERS = (
    "tensorflow/lite/micro/micro_interpreter.h",
    "tensorflow/lite/micro/micro_log.h",
    "tensorflow/lite/micro/system_setup.h",
    "tensorflow/lite/schema/schema_generated.h",
)
VARIABLE_HEADERS = (
    "tensorflow/lite/micro/micro_allocator.h",
    "tensorflow/lite/micro/micro_resource_variable.h",
)
PLAIN = """\
  tflite::MicroInterpreter interpreter(model, resolver, arena, sizeof(arena));
"""
WITH_VARIABLES = """\
  // The model's resource variables keep their content from one Invoke to the next, until
  // interpreter.Reset() zeroes them. Their table comes first in the arena.
  tflite::MicroAllocator* const allocator =
      tflite::MicroAllocator::Create(arena, sizeof(arena));
  if (allocator == nullptr) return kTfLiteError;
  tflite::MicroResourceVariables* const states =
      variables == 0 ? nullptr
                     : tflite::MicroResourceVariables::Create(allocator, variables);
  if (variables != 0 && states == nullptr) return kTfLiteError;
  tflite::MicroInterpreter interpreter(model, resolver, allocator, states);
"""
BODY = """
// Whose kernels the program links: by the macros of TFLM's builds and of the compiler. Set it with
// -DTFLOPT_KERNELS=8u if TFLM was built without CMSIS-NN, 16u for another vendor's kernels.
#ifndef TFLOPT_KERNELS
#if defined(ESP_NN) || defined(XTENSA) || defined(CEVA_BX1) || \\
    defined(CEVA_SP500) || defined(ARC_MLI)
#define TFLOPT_KERNELS 16u
#elif defined(TFLOPT_REFERENCE_KERNELS) || !defined(__ARM_ARCH)
#define TFLOPT_KERNELS 8u
#elif defined(__ARM_FEATURE_MVE)
#define TFLOPT_KERNELS 4u
#elif defined(__ARM_FEATURE_DSP)
#define TFLOPT_KERNELS 2u
#else
#define TFLOPT_KERNELS 1u
#endif
#endif

namespace {{

// Whether a memory plan is right on the program's kernels.
bool HasKernels(unsigned int planned) {{
  if ((planned & TFLOPT_KERNELS) != 0) return true;
  MicroPrintf("the model's memory plan isn't known to be right on these kernels");
  return false;
}}

alignas({upper}_ARENA_ALIGNMENT) {place}uint8_t arena[{upper}_ARENA_BYTES];

// Loads a model and runs it once on whatever its inputs hold; replace this.
TfLiteStatus Run({parameters}) {{
  const tflite::Model* model = tflite::GetModel(data);
  if (model->version() != TFLITE_SCHEMA_VERSION) {{
    MicroPrintf("the model has another schema version");
    return kTfLiteError;
  }}
{interpreter}  if (interpreter.AllocateTensors() != kTfLiteOk) return kTfLiteError;
  MicroPrintf("arena_used_bytes=%d",
              static_cast<int>(interpreter.arena_used_bytes()));
  return interpreter.Invoke();
}}

}}  // namespace

int main() {{
  tflite::InitializeTarget();
{checks}  {name}_ops::OpResolver resolver;
  if ({name}_ops::RegisterOps(resolver) != kTfLiteOk) return 1;
{runs}  MicroPrintf("done");
  return 0;
}}
"""


def main_source(
    name: str, models: Sequence[str], variables: Sequence[int] = (), placed: bool = False
) -> str:
    """The program's text; ``name`` is that of the resolver and the arena.

    ``variables`` counts the resource variables of each model; without any the text knows of none.
    ``placed``: the arena has a section of its own.
    """
    stateful = any(variables)
    counts = [f", {count}" if stateful else "" for count in variables or [0] * len(models)]
    infos = {f"{stem}_info.h" for stem in (*models, name)}
    own = sorted([*(f"{model}_data.h" for model in models), *infos, f"{name}_ops.h"])
    includes = [f'#include "{header}"' for header in own]
    includes += [
        f'#include "{header}"'
        for header in sorted((*HEADERS, *(VARIABLE_HEADERS if stateful else ())))
    ]
    runs = "".join(
        f"  if (Run({model}_data, resolver{count}) != kTfLiteOk) return 1;\n"
        for model, count in zip(models, counts, strict=True)
    )
    checks = "".join(
        f"  if (!HasKernels({model.upper()}_PLAN_KERNELS)) return 1;\n" for model in models
    )
    parameters = "const unsigned char* data, const tflite::MicroOpResolver& resolver"
    body = BODY.format(
        name=name,
        upper=name.upper(),
        place=f"{name.upper()}_ARENA_PLACE " if placed else "",
        runs=runs,
        checks=checks,
        parameters=f"{parameters}, int variables" if stateful else parameters,
        interpreter=WITH_VARIABLES if stateful else PLAIN,
    )
    first = banner("A minimal program for TFLM.")
    return f"{first}\n#include <cstdint>\n\n" + "\n".join(includes) + f"\n{body}"
