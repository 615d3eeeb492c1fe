#include "cortex_m/board.h"

namespace tflopt {

const Board kBoard = {
    "mps2-an505",
    "cortex-m33",
    20000000,
    {{0x10000000, 4u << 20, true}, {0x00000000, 1u << 28, false}, {}},
};

}  // namespace tflopt
