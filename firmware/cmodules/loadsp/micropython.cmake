add_library(usermod_loadsp INTERFACE)
target_sources(usermod_loadsp INTERFACE ${CMAKE_CURRENT_LIST_DIR}/modloadsp.c)
target_compile_options(usermod_loadsp INTERFACE -O2)
target_link_libraries(usermod INTERFACE usermod_loadsp)
