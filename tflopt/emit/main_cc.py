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
BODY = """
namespace {{

alignas({upper}_ARENA_ALIGNMENT) uint8_t arena[{upper}_ARENA_BYTES];

// Loads a model and runs it once on whatever its inputs hold; replace this.
TfLiteStatus Run(const unsigned char* data, const tflite::MicroOpResolver& resolver) {{
  const tflite::Model* model = tflite::GetModel(data);
  if (model->version() != TFLITE_SCHEMA_VERSION) {{
    MicroPrintf("the model has another schema version");
    return kTfLiteError;
  }}
  tflite::MicroInterpreter interpreter(model, resolver, arena, sizeof(arena));
  if (interpreter.AllocateTensors() != kTfLiteOk) return kTfLiteError;
  MicroPrintf("arena_used_bytes=%d",
              static_cast<int>(interpreter.arena_used_bytes()));
  return interpreter.Invoke();
}}

}}  // namespace

int main() {{
  tflite::InitializeTarget();
  {name}_ops::OpResolver resolver;
  if ({name}_ops::RegisterOps(resolver) != kTfLiteOk) return 1;
{runs}  MicroPrintf("done");
  return 0;
}}
"""


def main_source(name: str, models: Sequence[str]) -> str:
    """The program's text; ``name`` is that of the resolver and the arena."""
    own = sorted([f"{model}_data.h" for model in models] + [f"{name}_info.h", f"{name}_ops.h"])
    includes = [f'#include "{header}"' for header in own]
    includes += [f'#include "{header}"' for header in HEADERS]
    runs = "".join(
        f"  if (Run({model}_data, resolver) != kTfLiteOk) return 1;\n" for model in models
    )
    body = BODY.format(name=name, upper=name.upper(), runs=runs)
    first = banner("A minimal program for TFLM.")
    return f"{first}\n#include <cstdint>\n\n" + "\n".join(includes) + f"\n{body}"
