# Run at build time: SOURCE_DIR, OUTPUT, COMMIT (given, for an unpacked archive). Touches OUTPUT only when it changes.
if(NOT COMMIT)
  find_package(Git QUIET)
  if(Git_FOUND)
    execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --abbrev=12 --exclude=*
                    WORKING_DIRECTORY ${SOURCE_DIR} OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
if(NOT COMMIT)
  set(COMMIT unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[#pragma once

#include <string_view>

namespace dpi {

inline constexpr std::string_view probe_commit = "@COMMIT@";

}  // namespace dpi
]])
