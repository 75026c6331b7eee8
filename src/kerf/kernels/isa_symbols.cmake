# cmake -DNM=<nm> "-DOBJECTS=<objects>" -P isa_symbols.cmake
#
# Fails when an instruction set's object defines a function that others may link: an
# inline function of a shared header, compiled there with that set's instructions, might be the copy that
# the linker keeps for the whole program, and end it on a processor without them.
foreach(object IN LISTS OBJECTS)
  if(NOT object MATCHES "avx")
    continue()
  endif()
  execute_process(COMMAND ${NM} --defined-only --extern-only ${object}
    OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" symbols "${symbols}")
  foreach(symbol IN LISTS symbols)
    if(symbol MATCHES " [TWi] ")
      message(SEND_ERROR "${object} defines ${symbol}")
    endif()
  endforeach()
endforeach()
