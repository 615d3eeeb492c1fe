#include "cortex_m/board.h"

namespace tflopt {

const Board kBoard = {
    "mps2-an385",
    "cortex-m3",
    25000000,
    {{0x00000000, 4u << 20, true}, {}, {}},
};

}  // namespace tflopt
