# kerf_floor(<folder> [DEPENDS <target>...] [EXCLUDE <file>...])
#
# Declares the library kerf_<folder> from the sources in the calling folder, and the test program
# kerf_<folder>_test from its *_test.cc files. The include root of a floor holds that folder alone
# (a link in the build tree), so `#include "kerf/<x>/..."` works only for floors named in DEPENDS
# and what these depend on.
function(kerf_floor folder)
  cmake_parse_arguments(ARG "" "" "DEPENDS;EXCLUDE" ${ARGN})
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
