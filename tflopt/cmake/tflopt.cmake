# tflopt_add_model(): optimizes, verifies and emits a model as part of the build.
#
# tflopt_add_model(<target> MODEL <file>
#   [NAME <identifier>]       prefix of files and symbols; default: <target> as an identifier
#   [TARGET <core>]           GCC's spelling, default cortex-m55
#   [CMSIS_NN <version>]      of the firmware
#   [MAX_ARENA <size>]        the build fails over it, for example 64K
#   [MAX_FLASH <size>]        the same for the file
#   [MAX_INSTRUCTIONS <count>] the same for predicted instructions, for example 1.5M
#   [SECTION <section>]       linker section of the model
#   [ALIGN <bytes>]           of the model in memory
#   [ARENA_ALIGNMENT <bytes>] of the arena and of the tensors in it
#   [INCBIN]                  by assembly; the project needs the language ASM
#   [NO_VERIFY | REQUIRE_VERIFIED]
#   [OPTIONS <option>...])    more options of `tflopt optimize`
#
# <target> gets the sources and the include folder. Where it doesn't exist, it becomes a static
# library. Everything runs again when the model, the options or tflopt itself changed.
cmake_minimum_required(VERSION 3.20)
include_guard(GLOBAL)

set(TFLOPT_COMMAND "" CACHE STRING "How to run tflopt; a list, empty to search the PATH")

function(_tflopt_command variable)
  set(command ${TFLOPT_COMMAND})
  if(NOT command)
    find_program(TFLOPT_EXECUTABLE tflopt REQUIRED)
    set(command "${TFLOPT_EXECUTABLE}")
  endif()
  execute_process(COMMAND ${command} cmake-dir OUTPUT_VARIABLE folder
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  file(REAL_PATH "${CMAKE_CURRENT_FUNCTION_LIST_DIR}" own)
  if(NOT folder STREQUAL own)
    message(FATAL_ERROR "tflopt: ${command} belongs to ${folder}, but ${own} was included")
  endif()
  set(${variable} ${command} PARENT_SCOPE)
endfunction()

function(_tflopt_add_sources target folder sources)
  if(NOT TARGET ${target})
    add_library(${target} STATIC)
  endif()
  get_target_property(type ${target} TYPE)
  set(scope PUBLIC)
  if(type STREQUAL "EXECUTABLE")
    set(scope PRIVATE)
  endif()
  target_sources(${target} PRIVATE ${sources})
  target_include_directories(${target} ${scope} "${folder}")
endfunction()

function(tflopt_add_model target)
  set(flags INCBIN NO_VERIFY REQUIRE_VERIFIED)
  set(values MODEL NAME TARGET CMSIS_NN MAX_ARENA MAX_FLASH MAX_INSTRUCTIONS SECTION ALIGN)
  list(APPEND values ARENA_ALIGNMENT)
  cmake_parse_arguments(PARSE_ARGV 1 arg "${flags}" "${values}" "OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tflopt_add_model: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_MODEL)
    message(FATAL_ERROR "tflopt_add_model: MODEL is missing")
  endif()
  get_filename_component(model "${arg_MODEL}" ABSOLUTE)
  set(name "${arg_NAME}")
  if(NOT name)
    string(MAKE_C_IDENTIFIER "${target}" name)
  endif()

  set(folder "${CMAKE_CURRENT_BINARY_DIR}/tflopt/${name}")
  set(common "")
  if(arg_TARGET)
    list(APPEND common --target "${arg_TARGET}")
  endif()
  if(arg_CMSIS_NN)
    list(APPEND common --cmsis-nn "${arg_CMSIS_NN}")
  endif()
  if(arg_ARENA_ALIGNMENT)
    list(APPEND common --arena-alignment "${arg_ARENA_ALIGNMENT}")
  endif()
  set(optimize -q --report "${folder}/${name}.json" ${common})
  set(emit -q -d "${folder}" --name ${name} ${common})
  if(arg_MAX_ARENA)
    list(APPEND optimize --max-arena "${arg_MAX_ARENA}")
  endif()
  if(arg_MAX_FLASH)
    list(APPEND optimize --max-flash "${arg_MAX_FLASH}")
  endif()
  if(arg_MAX_INSTRUCTIONS)
    list(APPEND optimize --max-instructions "${arg_MAX_INSTRUCTIONS}")
  endif()
  if(arg_NO_VERIFY)
    list(APPEND optimize --no-verify)
  endif()
  if(arg_REQUIRE_VERIFIED)
    list(APPEND optimize --require-verified)
  endif()
  list(APPEND optimize ${arg_OPTIONS})
  if(arg_SECTION)
    list(APPEND emit --section "${arg_SECTION}")
  endif()
  if(arg_ALIGN)
    list(APPEND emit --align "${arg_ALIGN}")
  endif()

  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  set(suffix cc)
  if(arg_INCBIN)
    if(NOT "ASM" IN_LIST languages)
      message(FATAL_ERROR "tflopt_add_model: INCBIN needs enable_language(ASM)")
    endif()
    list(APPEND emit --incbin)
    set(suffix S)
  elseif(NOT "CXX" IN_LIST languages)
    list(APPEND emit --language c)
    set(suffix c)
  endif()

  _tflopt_command(command)
  # Not every generator runs a command again when its arguments changed; all do for a file.
  file(MAKE_DIRECTORY "${folder}")
  file(GENERATE OUTPUT "${folder}/options.txt"
    CONTENT "${command}\n${model}\n${optimize}\n${emit}\n")
  file(GLOB_RECURSE tool CONFIGURE_DEPENDS "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../*.py")
  set(source "${folder}/${name}_data.${suffix}")
  set(headers "${folder}/${name}_data.h" "${folder}/${name}_info.h" "${folder}/${name}_ops.h")
  set(optimized "${folder}/${name}.opt.tflite")
  set(others "${folder}/${name}.json")
  if(arg_INCBIN)
    list(APPEND others "${folder}/${name}.tflite")
    set_source_files_properties("${source}" PROPERTIES
      INCLUDE_DIRECTORIES "${folder}" OBJECT_DEPENDS "${folder}/${name}.tflite")
  endif()
  add_custom_command(
    OUTPUT "${source}" ${headers} "${optimized}" ${others}
    COMMAND ${command} optimize "${model}" -o "${optimized}" ${optimize}
    COMMAND ${command} emit "${optimized}" ${emit}
    DEPENDS "${model}" "${folder}/options.txt" ${tool}
    COMMENT "tflopt ${name}"
    VERBATIM)
  _tflopt_add_sources(${target} "${folder}" "${source};${headers}")
endfunction()
