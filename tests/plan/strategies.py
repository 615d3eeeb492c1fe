"""Random planning problems and models for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from tflopt.plan.lifetimes import GraphDesc, ModelDesc, OpDesc, TensorDesc
from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem


@st.composite
def buffers(draw: st.DrawFn, most: int, alignment: int = 16) -> list[Buffer]:
    found = []
    for index in range(draw(st.integers(1, most))):
        start = draw(st.integers(-1, 6))
        lifetime = Lifetime(start, start + draw(st.integers(1, 5)))
        size = alignment * draw(st.integers(1, 8))
        found.append(Buffer(f"b{index}", lifetime, size, alignment))
    return found


@st.composite
def problems(draw: st.DrawFn, most: int = 12) -> Problem:
    return Problem(draw(buffers(most)))


@st.composite
def aliased_problems(draw: st.DrawFn, most: int = 8) -> Problem:
    """Aliases of every kind, wherever the lifetimes allow them."""
    found = draw(buffers(most))
    aliases = []
    for i in range(len(found)):
        for j in range(len(found)):
            steps = found[i].lifetime.common_steps(found[j].lifetime)
            if i == j or steps == 0 or not draw(st.booleans()):
                continue
            hands_over = found[i].lifetime.hands_over(found[j].lifetime)
            shares = not hands_over or draw(st.booleans())
            low = 16 * draw(st.integers(-3, 6))
            high = draw(st.sampled_from([low, low + 32, None]))
            aliases.append(Alias(i, j, low, high, shares))
    return Problem(found, aliases)


@st.composite
def models(draw: st.DrawFn, most_ops: int = 8) -> ModelDesc:
    """One graph: a chain with skips, constants, an unused tensor, and scratch."""
    sizes = st.integers(1, 300)
    tensors = [TensorDesc(draw(sizes), "in"), TensorDesc(draw(sizes), "weights", True)]
    live, ops = [0], []
    for index in range(draw(st.integers(1, most_ops))):
        inputs = [draw(st.sampled_from(live)) for _ in range(draw(st.integers(1, 2)))]
        tensors.append(TensorDesc(draw(sizes), f"t{index}"))
        output = len(tensors) - 1
        live.append(output)
        scratch = draw(st.lists(st.integers(0, 200), max_size=3))
        ops.append(OpDesc([*inputs, 1, -1], [output], scratch, name=f"op{index}"))
    if draw(st.booleans()):
        tensors.append(TensorDesc(draw(sizes), "unused"))
    return ModelDesc([GraphDesc(tensors, [0], [live[-1]], ops)])
