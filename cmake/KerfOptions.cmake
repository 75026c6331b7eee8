set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(KERF_BENCH "Build the benchmarks" OFF)
option(KERF_LIBFUZZER "Link the fuzzers with libFuzzer (clang only)" OFF)
set(KERF_SANITIZE "" CACHE STRING "Sanitizers for every target, as -fsanitize= takes them")

# Bits must not depend on what the optimiser fuses: a multiply and an add stay two roundings unless
# the source says fma.
add_compile_options(-ffp-contract=off)
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wno-missing-field-initializers -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 is wrong about inlined library code at -O3: stringop-overflow in fmt 9's parse_align,
  # restrict in std::string's operator+ (GCC bug 105651), maybe-uninitialized in temporaries of nested
  # aggregates that hold a std::vector.
  add_compile_options(-Wno-stringop-overflow -Wno-restrict -Wno-maybe-uninitialized)
else()
  add_compile_options(-Wno-unknown-attributes -Wno-unknown-pragmas)  # GCC's own
endif()

if(KERF_SANITIZE)
  add_compile_options(-fsanitize=${KERF_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${KERF_SANITIZE})
  if(KERF_SANITIZE STREQUAL "thread")
    # ThreadSanitizer knows no fences, of which GCC complains. Asio orders by its mutexes as well.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()
if(KERF_LIBFUZZER)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(KERF_CCACHE ccache)
if(KERF_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What is in the cache serves every clone, wherever it lies.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${KERF_CCACHE})
endif()
find_program(KERF_MOLD mold)
if(KERF_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
