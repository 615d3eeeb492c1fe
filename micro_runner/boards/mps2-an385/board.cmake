set(BOARD_CPU cortex-m3)
set(BOARD_FLOAT_ABI soft)
set(BOARD_ARCHITECTURE v7) # as readelf -A says it in Tag_CPU_arch
set(BOARD_MPU mpu_v7m.cc)
