# The engine that runs TFLM: checks the user's library and links it.

if(TFLM_DIR)
  if(NOT TFLM_LIB)
    set(TFLM_LIB ${TFLM_DIR}/lib/libtensorflow-microlite.a)
  endif()
  if(NOT TFLM_INCLUDE)
    set(TFLM_INCLUDE ${TFLM_DIR}/include)
  endif()
endif()
if(NOT TFLM_LIB OR NOT TFLM_INCLUDE)
  message(FATAL_ERROR
    "This firmware links a TFLM library that you built: give -DTFLM_LIB=<library> and "
    "-DTFLM_INCLUDE=<folders of headers>, or -DTFLM_DIR=<folder with lib/ and include/>")
endif()
if(NOT EXISTS ${TFLM_LIB})
  message(FATAL_ERROR "-DTFLM_LIB: ${TFLM_LIB} doesn't exist")
endif()
if(TFLOPT_BOARD STREQUAL host)
  message(FATAL_ERROR "The host build has no TFLM: -DTFLOPT_ENGINE=small")
endif()

tflopt_read_symbols(${TFLM_LIB})
tflopt_check_core(${TFLM_LIB})
tflopt_check_kernels(${TFLM_LIB})
tflopt_check_flags(${TFLM_LIB})
tflopt_find_headers()
tflopt_write_operators(${CMAKE_CURRENT_BINARY_DIR}/generated/tflm_operators.inc)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${TFLM_LIB})

# What VERSION.txt, when there is one beside the library, says of where the library comes from.
set(library_version "")
cmake_path(GET TFLM_LIB PARENT_PATH folder)
foreach(candidate ${folder}/VERSION.txt ${folder}/../VERSION.txt)
  if(NOT EXISTS ${candidate})
    continue()
  endif()
  foreach(key tflite_micro cmsis_nn)
    file(STRINGS ${candidate} ${key} REGEX "^${key}=[A-Za-z0-9._+-]+$" LIMIT_COUNT 1)
    string(REPLACE "${key}=" "" ${key} "${${key}}")
  endforeach()
  set(library_version "tflite_micro ${tflite_micro}, cmsis_nn ${cmsis_nn}")
  if(TFLOPT_CMSIS_NN STREQUAL "")
    set(TFLOPT_CMSIS_NN "${cmsis_nn}")
  endif()
  break()
endforeach()

target_sources(micro_runner PRIVATE
  src/tflm/debug_log.cc src/tflm/engine.cc src/tflm/model.cc src/tflm/operators.cc src/tflm/planner.cc
  src/tflm/resolver.cc)
target_include_directories(micro_runner PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/generated)
target_include_directories(micro_runner SYSTEM PRIVATE ${TFLM_INCLUDE_ALL})
target_compile_definitions(micro_runner PRIVATE ${TFLM_DEFINITIONS}
  TFLOPT_KERNELS="${TFLM_KERNELS}" TFLOPT_LIBRARY="${library_version}"
  TFLOPT_CMSIS_NN="${TFLOPT_CMSIS_NN}" TFLOPT_OPERATOR_COUNT=${TFLM_OPERATOR_COUNT})
target_link_libraries(micro_runner PRIVATE ${TFLM_LIB} m)
message(STATUS "TFLM: ${TFLM_OPERATOR_COUNT} operators, ${TFLM_KERNELS} kernels, -mcpu=${BOARD_MCPU}, "
  "float ABI ${BOARD_FLOAT_ABI}, ${TFLM_DEFINITIONS}")
