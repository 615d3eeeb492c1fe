set(BOARD_CPU cortex-m33)
set(BOARD_FLOAT_ABI hard)
set(BOARD_ARCHITECTURE v8-M.mainline) # as readelf -A says it in Tag_CPU_arch
set(BOARD_MPU mpu_v8m.cc)
