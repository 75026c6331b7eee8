# Which floor a folder of src/kerf is on, lowest first.
set(KERF_FLOORS "base" "spec" "kernels,comm,io" "mesh,planner" "nn" "model" "engine" "serve" "apps")

function(kerf_floor_number folder result)
  set(floor 0)
  foreach(folders IN LISTS KERF_FLOORS)
    if(",${folders}," MATCHES ",${folder},")
      set(${result} ${floor} PARENT_SCOPE)
      return()
    endif()
    math(EXPR floor "${floor} + 1")
  endforeach()
  message(FATAL_ERROR "${folder} is on no floor: see KERF_FLOORS in cmake/KerfFloor.cmake")
endfunction()

# kerf_floor(<folder> [DEPENDS <target>...] [EXCLUDE <file>...])
#
# Declares the library kerf_<folder> from the sources in the calling folder, and the test program
# kerf_<folder>_test from its *_test.cc files. The include root of a floor holds that folder alone
# (a link in the build tree), so `#include "kerf/<x>/..."` works only for floors named in DEPENDS
# and what these depend on.
function(kerf_floor folder)
  cmake_parse_arguments(ARG "" "" "DEPENDS;EXCLUDE" ${ARGN})
  kerf_floor_number(${folder} floor)
  foreach(dependency IN LISTS ARG_DEPENDS)
    if(dependency MATCHES "^kerf_(.+)$")
      kerf_floor_number(${CMAKE_MATCH_1} lower)
      if(NOT lower LESS floor)
        message(FATAL_ERROR "${folder} is on floor ${floor} and may not depend on ${dependency}, on floor ${lower}")
      endif()
    endif()
  endforeach()

  set(root ${PROJECT_BINARY_DIR}/include/${folder})
  file(MAKE_DIRECTORY ${root}/kerf)
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/kerf/${folder} SYMBOLIC)

  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  foreach(file IN LISTS ARG_EXCLUDE)
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()

  if(sources)
    add_library(kerf_${folder} STATIC ${sources})
    target_include_directories(kerf_${folder} PUBLIC ${root})
    target_link_libraries(kerf_${folder} PUBLIC ${ARG_DEPENDS})
  else()
    add_library(kerf_${folder} INTERFACE)
    target_include_directories(kerf_${folder} INTERFACE ${root})
    target_link_libraries(kerf_${folder} INTERFACE ${ARG_DEPENDS})
  endif()

  if(BUILD_TESTING AND tests)
    add_executable(kerf_${folder}_test ${tests})
    target_include_directories(kerf_${folder}_test PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(kerf_${folder}_test PRIVATE kerf_${folder} GTest::gmock GTest::gtest_main)
    kerf_register_test(kerf_${folder}_test)
  endif()
endfunction()

# Every TEST of a GoogleTest program becomes a ctest of its own, found when ctest runs.
function(kerf_register_test target)
  include(GoogleTest)
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT 120 ENVIRONMENT "KERF_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()
