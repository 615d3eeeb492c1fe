# Toolchain file for GCC's arm-none-eabi. -DTFLOPT_TOOLCHAIN=/opt/gcc/bin/arm-none-eabi- takes another one.

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TFLOPT_TOOLCHAIN)

set(TFLOPT_TOOLCHAIN arm-none-eabi- CACHE STRING "Prefix of the cross compiler, with or without its folder")
set(CMAKE_CXX_COMPILER ${TFLOPT_TOOLCHAIN}g++)
find_program(CMAKE_NM ${TFLOPT_TOOLCHAIN}nm REQUIRED)
find_program(CMAKE_READELF ${TFLOPT_TOOLCHAIN}readelf REQUIRED)
