"""``NAME_ops.h``: an op resolver with exactly the operators that are needed."""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.emit.names import string_literal
from tflopt.emit.operators import Registration
from tflopt.emit.text import guarded


def resolver_header(name: str, registrations: Sequence[Registration]) -> str:
    """The header's text. A resolver can't be empty, so that no operator still makes size 1."""
    namespace = f"{name}_ops"
    hooks = [registration for registration in registrations if registration.hook]
    body = f"""\
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

namespace {namespace} {{

constexpr unsigned int kOpCount = {max(1, len(registrations))};
using OpResolver = tflite::MicroMutableOpResolver<kOpCount>;
{_declarations(hooks)}
// Registers all operators; call it once.
inline TfLiteStatus RegisterOps({"OpResolver& resolver" if registrations else "OpResolver&"}) {{
{"".join(_call(registration) for registration in registrations)}  return kTfLiteOk;
}}

}}  // namespace {namespace}
"""
    return guarded(namespace, "The operators of the model for TFLM, C++ only.", body)


def _declarations(hooks: Sequence[Registration]) -> str:
    if not hooks:
        return ""
    lines = "".join(f"const TFLMRegistration* {registration.hook}();\n" for registration in hooks)
    return f"\n// Custom operators that TFLM doesn't have: define these.\n{lines}"


def _call(registration: Registration) -> str:
    arguments = (
        f"{string_literal(registration.name)}, {registration.hook}()" if registration.hook else ""
    )
    return f"  if (resolver.{registration.method}({arguments}) != kTfLiteOk) return kTfLiteError;\n"
