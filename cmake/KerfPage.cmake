# kerf_embed_page(<target>): the status page becomes part of the program, as text in kStatusPageHtml. A changed page is
# noticed at the next build.
function(kerf_embed_page target)
  set(page ${CMAKE_CURRENT_SOURCE_DIR}/seeing/page/index.html)
  file(READ ${page} text)
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
  set(code "// Made from seeing/page/index.html by cmake/KerfPage.cmake.\n#include \"kerf/serve/seeing/page.h\"\n")
  string(APPEND code "namespace kerf {\nextern const std::string_view kStatusPageHtml = R\"page(${text})page\";\n}\n")
  file(WRITE ${PROJECT_BINARY_DIR}/status_page.cc.new "${code}")
  configure_file(${PROJECT_BINARY_DIR}/status_page.cc.new ${PROJECT_BINARY_DIR}/status_page.cc COPYONLY)
  target_sources(${target} PRIVATE ${PROJECT_BINARY_DIR}/status_page.cc)
endfunction()
