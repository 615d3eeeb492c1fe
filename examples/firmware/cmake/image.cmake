# The image: links the objects with TFLM for a board that QEMU emulates, and runs it there.
set(board_cortex-m55 mps3-an547)
set(board_cortex-m4 mps2-an386)
set(board ${board_${CPU}})
if(NOT CMAKE_CROSSCOMPILING OR NOT board)
  message(FATAL_ERROR "There is no board for this build: use --toolchain cmake/arm-none-eabi.cmake "
    "with -DCPU=cortex-m55 or cortex-m4, or write a linker script for yours in board/")
endif()

set(scripts "${CMAKE_CURRENT_SOURCE_DIR}/board")
add_executable(firmware board/startup.c board/semihosting.c board/libc.c)
target_include_directories(firmware PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
target_link_libraries(firmware PRIVATE app inference kws "${tflm_library}" m)
target_link_options(firmware PRIVATE
  -nostartfiles --specs=nano.specs -T "${scripts}/${board}.ld" -L "${scripts}" -Wl,--gc-sections)
set_target_properties(firmware PROPERTIES SUFFIX .elf
  LINK_DEPENDS "${scripts}/${board}.ld;${scripts}/sections.ld")

add_custom_target(run
  COMMAND qemu-system-arm -M ${board} -nographic -monitor none -serial none
    -semihosting-config enable=on,target=native -kernel $<TARGET_FILE:firmware>
  DEPENDS firmware USES_TERMINAL VERBATIM)
