"""Recurrent networks whose steps are turns of a WHILE, as exporters write them.

TensorFlow 2.21 makes such loops of ``tf.while_loop``: two counters, of which one is for the most
turns, the whole sequence handed on from turn to turn, and the step's row taken out of it by GATHER,
or by SLICE at an index that PACK makes of the counter.
"""

from __future__ import annotations

SIMPLE_RNN = """
graph(%0: i8[1,8,6]{0.02,3}) -> %10
  %1: f32[1,8,6] = DEQUANTIZE(%0)
  %2: f32[8,1,6] = RESHAPE(%1, [8, 1, 6])
  %3: i32[], %4: i32[], %5: f32[1,12], %6: f32[8,1,6] = WHILE(const i32[] = 0, const i32[] = 0, \
const f32[1,12] = 0, %2) cond_subgraph_index=1 body_subgraph_index=2
  %7: i8[1,12]{0.0078125,0} = QUANTIZE(%5)
  %10: i8[1,4]{0.05,2} = FULLY_CONNECTED(%7, const i8[4,12]{0.01,0}, none)
graph(%0: i32[], %1: i32[], %2: f32[1,12], %3: f32[8,1,6]) -> %6
  %4: bool[] = LESS(%1, const i32[] = 8)
  %5: bool[] = LESS(%0, const i32[] = 8)
  %6: bool[] = LOGICAL_AND(%5, %4)
graph(%0: i32[], %1: i32[], %2: f32[1,12], %3: f32[8,1,6]) -> %13, %4, %12, %3
  %4: i32[] = ADD(%1, const i32[] = 1)
  %5: i8[1,12]{0.0078125,0} = QUANTIZE(%2)
  %6: i8[1,12]{0.03,1} = FULLY_CONNECTED(%5, const i8[12,12]{0.01,0}, none)
  %7: f32[1,6] = GATHER(%3, %1)
  %8: i8[1,6]{0.02,3} = QUANTIZE(%7)
  %9: i8[1,12]{0.04,-2} = FULLY_CONNECTED(%8, const i8[12,6]{0.01,0}, none)
  %10: i8[1,12]{0.05,0} = ADD(%9, %6)
  %11: i8[1,12]{0.0078125,0} = TANH(%10)
  %12: f32[1,12] = DEQUANTIZE(%11)
  %13: i32[] = ADD(%0, const i32[] = 1)
"""

GRU = """
graph(%0: i8[1,10,6]{0.02,3}) -> %8
  %1: i8[10,6]{0.02,3} = RESHAPE(%0, [10, 6])
  %2: i32[], %3: i32[], %4: i8[1,12]{0.0078125,0}, %5: i8[10,6]{0.02,3} = WHILE(const i32[] = 0, \
const i32[] = 0, const i8[1,12]{0.0078125,0} = 0, %1) cond_subgraph_index=1 body_subgraph_index=2
  %8: i8[1,4]{0.05,2} = FULLY_CONNECTED(%4, const i8[4,12]{0.01,0}, none)
graph(%0: i32[], %1: i32[], %2: i8[1,12]{0.0078125,0}, %3: i8[10,6]{0.02,3}) -> %4
  %4: bool[] = LESS(%1, const i32[] = 10)
graph(%0: i32[], %1: i32[], %2: i8[1,12]{0.0078125,0}, %3: i8[10,6]{0.02,3}) -> %18, %4, %17, %3
  %4: i32[] = ADD(%1, const i32[] = 1)
  %5: i32[2] = PACK(%1, const i32[] = 0) values_count=2
  %6: i8[1,12]{0.03,1} = FULLY_CONNECTED(%2, const i8[12,12]{0.01,0}, none)
  %7: i8[1,6]{0.02,3} = SLICE@2(%3, %5, [1, 6])
  %8: i8[1,6]{0.0078125,0} = QUANTIZE(%7)
  %9: i8[1,18]{0.0078125,0} = CONCATENATION(%8, %2) axis=1
  %10: i8[1,12]{0.03,-4} = FULLY_CONNECTED(%9, const i8[12,18]{0.01,0}, none)
  %11: i8[1,12]{0.00390625,-128} = LOGISTIC(%10)
  %12: i8[1,12]{0.0078125,0} = MUL(%11, %2)
  %13: i8[1,12]{0.00390625,-128} = SUB(const i8[]{0.00390625,-128} = 127, %11)
  %14: i8[1,12]{0.04,-2} = FULLY_CONNECTED(%7, const i8[12,6]{0.01,0}, none)
  %15: i8[1,12]{0.05,0} = ADD(%14, %6)
  %16: i8[1,12]{0.0078125,0} = TANH(%15)
  %19: i8[1,12]{0.0078125,0} = MUL(%13, %16)
  %17: i8[1,12]{0.0078125,0} = ADD(%12, %19)
  %18: i32[] = ADD(%0, const i32[] = 1)
"""

LOOPS = {"simple_rnn": SIMPLE_RNN, "gru": GRU}
