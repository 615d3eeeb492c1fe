#include "cortex_m/board.h"

namespace tflopt {

const Board kBoard = {
    "mps3-an547",
    "cortex-m55",
    32000000,
    {{0x10000000, 512u << 10, true}, {0x11000000, 2u << 20, true}, {0x00000000, 1u << 28, false}},
};

}  // namespace tflopt
