"""Where options stand in the help, and what stands for their values: by their names in Python."""

from __future__ import annotations

from collections.abc import Mapping

OTHERS = "Options"
MEMBERS: Mapping[str, str] = {
    "Output": "output folder jobs report_path html svg markdown as_json explain print_after timing "
    "quiet annotate align node_data netron open_page junit sarif github_summary style",
    "Device": "target board clock memory_speed tflm cmsis_nn build profile runtime",
    "Rules": "goal effort disable only strip keep keep_channels io_layout allow_lsb narrow_outputs "
    "route_around no_route_around fail_on_hazard",
    "Memory": "plan overlap overlap_all no_overlap tile max_slowdown pin preserve_inputs "
    "reserve_head arena_alignment plan_time",
    "Budgets": "max_arena max_flash max_instructions",
    "Verification": "no_verify samples seed runner reference layers require_verified tflm_lib "
    "firmware fvp time_limit least_arena",
}
MOVED: Mapping[tuple[str, str], str] = {("bench", "Verification"): "Device"}
"""Of commands that verify nothing."""
SECTIONS = (*MEMBERS, OTHERS)
SECTION_OF = {name: title for title, names in MEMBERS.items() for name in names.split()}
VALUES: Mapping[str, str] = {
    "target": "CORE",
    "board": "NAME",
    "cmsis_nn": "VERSION",
    "disable": "RULE",
    "only": "RULE",
    "keep": "NAME",
    "name": "NAME",
    "section": "NAME",
    "arena_section": "NAME",
    "runner": "NAME",
    "reference": "NAME",
    "folder": "DIR",
    "align": "BYTES",
}
