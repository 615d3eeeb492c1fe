# find_package(tflopt CONFIG): needs -Dtflopt_DIR=$(tflopt cmake-dir).
include("${CMAKE_CURRENT_LIST_DIR}/tflopt.cmake")
set(tflopt_FOUND TRUE)
