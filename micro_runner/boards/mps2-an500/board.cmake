set(BOARD_CPU cortex-m7)
set(BOARD_FLOAT_ABI hard)
set(BOARD_ARCHITECTURE v7E-M) # as readelf -A says it in Tag_CPU_arch
set(BOARD_MPU mpu_v7m.cc)
