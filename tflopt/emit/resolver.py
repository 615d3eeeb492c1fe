"""``NAME_ops.h``: an op resolver with exactly the operators that are needed."""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.emit.names import string_literal
from tflopt.emit.operators import Registration
from tflopt.emit.text import guarded


def resolver_header(name: str, found: Sequence[Registration]) -> str:
    """The header's text. A resolver can't be empty, so that no operator still makes size 1."""
    namespace = f"{name}_ops"
    hooks = [each for each in found if each.hook]
    body = f"""\
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

namespace {namespace} {{

constexpr unsigned int kOpCount = {max(1, len(found))};
using OpResolver = tflite::MicroMutableOpResolver<kOpCount>;
{_declarations(hooks)}
// Registers all operators; call it once.
inline TfLiteStatus RegisterOps({"OpResolver& resolver" if found else "OpResolver&"}) {{
{"".join(_call(each) for each in found)}  return kTfLiteOk;
}}

}}  // namespace {namespace}
"""
    return guarded(namespace, "The operators of the model for TFLM, C++ only.", body)


def _declarations(hooks: Sequence[Registration]) -> str:
    if not hooks:
        return ""
    lines = "".join(f"const TFLMRegistration* {each.hook}();\n" for each in hooks)
    return f"\n// Custom operators that TFLM doesn't have: define these.\n{lines}"


def _call(each: Registration) -> str:
    arguments = f"{string_literal(each.name)}, {each.hook}()" if each.hook else ""
    return f"  if (resolver.{each.method}({arguments}) != kTfLiteOk) return kTfLiteError;\n"
