# What the user's TFLM library is: for which core, with which kernels and flags. Says what is wrong
# with it here, where the user can read it, rather than by a page of linker errors.

# Sets TFLM_SYMBOLS to the symbols that the library defines, demangled, each with a newline before and behind it.
function(tflopt_read_symbols library)
  execute_process(COMMAND ${CMAKE_NM} --demangle --defined-only --format=posix ${library}
    OUTPUT_VARIABLE output ERROR_QUIET RESULT_VARIABLE result)
  if(NOT result EQUAL 0 OR output STREQUAL "")
    message(FATAL_ERROR "${library} is not a static library that ${CMAKE_NM} can read")
  endif()
  set(TFLM_SYMBOLS "${output}" PARENT_SCOPE)
endfunction()

# Fails unless every object that says for which architecture it is says the board's.
# Sets BOARD_FLOAT_ABI and BOARD_MCPU to what the library was compiled with.
function(tflopt_check_core library)
  execute_process(COMMAND ${CMAKE_READELF} -A ${library} OUTPUT_VARIABLE attributes ERROR_QUIET)
  string(REGEX MATCHALL "Tag_CPU_arch: [^\n]*" architectures "${attributes}")
  list(REMOVE_DUPLICATES architectures)
  list(TRANSFORM architectures REPLACE "Tag_CPU_arch: " "")
  if(architectures STREQUAL "")
    message(FATAL_ERROR "${library} has no Arm code: it was built for another processor")
  endif()
  if(NOT architectures STREQUAL BOARD_ARCHITECTURE)
    string(REPLACE ";" ", " found "${architectures}")
    message(FATAL_ERROR
      "${library} was built for another core: its code is for Arm ${found}; board ${TFLOPT_BOARD} has a "
      "${BOARD_CPU} (Arm ${BOARD_ARCHITECTURE})")
  endif()
  set(mcpu ${BOARD_CPU})
  if(attributes MATCHES "Tag_ABI_VFP_args: VFP registers")
    set(float_abi hard)
  elseif(attributes MATCHES "Tag_FP_arch: ")
    set(float_abi softfp)
  else()
    set(float_abi soft)
  endif()
  if(BOARD_CPU STREQUAL cortex-m55 AND NOT attributes MATCHES "Tag_MVE_arch: ")
    message(WARNING "${library} has no MVE code: CMSIS-NN takes its DSP or scalar kernels")
    string(APPEND mcpu "+nomve")
  endif()
  if(BOARD_CPU STREQUAL cortex-m33 AND NOT attributes MATCHES "Tag_DSP_extension: Allowed")
    message(WARNING "${library} has no DSP code: CMSIS-NN takes its scalar kernels")
    string(APPEND mcpu "+nodsp")
  endif()
  set(BOARD_FLOAT_ABI ${float_abi} PARENT_SCOPE)
  set(BOARD_MCPU ${mcpu} PARENT_SCOPE)
endfunction()

# Sets TFLM_KERNELS.
function(tflopt_check_kernels library)
  if(NOT TFLM_SYMBOLS MATCHES "\ntflite::Register_CONV_2D\\(\\) T")
    message(FATAL_ERROR "${library} is not TensorFlow Lite Micro: it has no tflite::Register_CONV_2D()")
  endif()
  if(TFLM_SYMBOLS MATCHES "\narm_convolve_wrapper_s8 T")
    set(TFLM_KERNELS cmsis_nn PARENT_SCOPE)
  elseif(TFLOPT_ALLOW_REFERENCE_KERNELS)
    set(TFLM_KERNELS reference PARENT_SCOPE)
  else()
    message(FATAL_ERROR
      "${library} lacks the CMSIS-NN kernels (no arm_convolve_wrapper_s8): it was built without "
      "OPTIMIZED_KERNEL_DIR=cmsis_nn. Sizes and costs would be those of the reference kernels. "
      "To have those on purpose: -DTFLOPT_ALLOW_REFERENCE_KERNELS=ON")
  endif()
endfunction()

# Sets TFLM_DEFINITIONS to the macros that change what TFLM's headers declare.
function(tflopt_check_flags library)
  if(TFLM_SYMBOLS MATCHES "\nTfLiteIntArrayCreate T")
    message(FATAL_ERROR
      "${library} was built without TF_LITE_STATIC_MEMORY: its structures differ from the firmware's. "
      "TFLM's own makefile sets this macro; a build of one's own must too")
  endif()
  set(definitions TF_LITE_STATIC_MEMORY)
  if(NOT TFLM_SYMBOLS MATCHES "\nMicroPrintf\\(char const\\*, \\.\\.\\.\\) T")
    list(APPEND definitions TF_LITE_STRIP_ERROR_STRINGS)
  endif()
  if(TFLM_SYMBOLS MATCHES "\ntflite::MicroInterpreterContext::IsTensorCompressed\\(")
    list(APPEND definitions USE_TFLM_COMPRESSION)
  endif()
  set(TFLM_DEFINITIONS ${definitions} PARENT_SCOPE)
endfunction()

# Sets TFLM_INCLUDE_ALL: the user's folders, and the usual places of third-party headers in them.
function(tflopt_find_headers)
  set(all ${TFLM_INCLUDE})
  foreach(folder IN LISTS TFLM_INCLUDE)
    foreach(part flatbuffers/include gemmlowp ruy)
      if(IS_DIRECTORY ${folder}/third_party/${part})
        list(APPEND all ${folder}/third_party/${part})
      endif()
    endforeach()
  endforeach()
  foreach(header tensorflow/lite/micro/micro_interpreter.h flatbuffers/flatbuffers.h fixedpoint/fixedpoint.h)
    unset(found CACHE)
    find_file(found ${header} PATHS ${all} NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
    if(NOT found)
      string(REPLACE ";" ", " searched "${all}")
      message(FATAL_ERROR "TFLM_INCLUDE lacks ${header}; searched ${searched}")
    endif()
  endforeach()
  unset(found CACHE)
  set(TFLM_INCLUDE_ALL ${all} PARENT_SCOPE)
endfunction()
