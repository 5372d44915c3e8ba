# Helpers that keep every folder's CMakeLists.txt to a list of its sources and what it may use.

set(DPI_WARNINGS
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor
    -Wimplicit-fallthrough -Werror)

set(DPI_HARDENING -fstack-protector-strong -fcf-protection)
set(DPI_LINK_HARDENING -Wl,-z,relro -Wl,-z,now)
if(NOT DPI_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  list(APPEND DPI_HARDENING -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()

set(DPI_SANITIZER_FLAGS "")
if(DPI_SANITIZE)
  set(DPI_SANITIZER_FLAGS -fsanitize=${DPI_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()

# libFuzzer sees the coverage of the libraries only when they are compiled for it.
if(DPI_FUZZ)
  list(APPEND DPI_SANITIZER_FLAGS -fsanitize=fuzzer-no-link)
endif()

# Options every target gets, product or test.
add_library(dpi_options INTERFACE)
target_compile_options(dpi_options INTERFACE ${DPI_WARNINGS} ${DPI_HARDENING} ${DPI_SANITIZER_FLAGS})
target_compile_definitions(dpi_options INTERFACE _GLIBCXX_ASSERTIONS $<$<BOOL:${DPI_FUZZ}>:DPI_SMALL_BUFFERS>)
target_link_options(dpi_options INTERFACE ${DPI_LINK_HARDENING} ${DPI_SANITIZER_FLAGS})
target_include_directories(dpi_options INTERFACE ${PROJECT_SOURCE_DIR})

# dpi_library(NAME SOURCES … [USES targets …] [PRIVATE vendor targets …])
# What a test says itself compiles in half the time without UBSan and optimisation; what it calls in a library has both.
add_library(dpi_test_options INTERFACE)
if(DPI_SANITIZE)
  target_compile_options(dpi_test_options INTERFACE -O0 -fno-sanitize=undefined)
endif()

# Reading the standard library's headers is a third of a debug build; there they are read once. An optimised build does without, so
# that a header that a source forgot is missed.
option(DPI_PRECOMPILED_HEADERS "Read the standard headers once" OFF)
if(DPI_PRECOMPILED_HEADERS)
  set(precompiled <algorithm> <array> <atomic> <bit> <charconv> <chrono> <condition_variable> <cstdint> <cstring> <deque>
      <filesystem> <fstream> <functional> <map> <memory> <mutex> <optional> <ostream> <ranges> <set> <span> <string>
      <string_view> <system_error> <thread> <unordered_map> <utility> <variant> <vector>)
  file(WRITE ${PROJECT_BINARY_DIR}/generated/precompiled.cpp "")
  add_library(dpi_precompiled STATIC ${PROJECT_BINARY_DIR}/generated/precompiled.cpp)
  target_link_libraries(dpi_precompiled PRIVATE dpi_options)
  target_precompile_headers(dpi_precompiled PRIVATE ${precompiled})
endif()

function(dpi_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC dpi_options ${arg_USES} PRIVATE ${arg_PRIVATE})
  if(DPI_PRECOMPILED_HEADERS)
    target_precompile_headers(${name} REUSE_FROM dpi_precompiled)
  endif()
endfunction()

# dpi_test(NAME SOURCES … USES targets … [LABELS …]): one GoogleTest executable, each case a ctest case.
function(dpi_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE dpi_options dpi_test_options ${arg_USES} GTest::gmock GTest::gtest_main)
  if(DPI_PRECOMPILED_HEADERS)
    target_precompile_headers(${name} REUSE_FROM dpi_precompiled_tests)
  endif()
  gtest_discover_tests(${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS "${arg_LABELS}")
endfunction()

# dpi_fuzz(NAME SOURCE USES targets …): a libFuzzer binary with clang; the same source replays its seed
# corpus as an ordinary test with every compiler.
function(dpi_fuzz name source)
  cmake_parse_arguments(arg "" "" "USES" ${ARGN})
  if(DPI_FUZZ)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE dpi_options ${arg_USES} -fsanitize=fuzzer)
  else()
    add_executable(${name} ${source} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
    target_link_libraries(${name} PRIVATE dpi_options ${arg_USES})
    add_test(NAME ${name}.corpus COMMAND ${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  endif()
endfunction()
