# For the esp32 port only, ESP-IDF 5.2 or later.
add_library(usermod_loadac INTERFACE)
target_sources(usermod_loadac INTERFACE ${CMAKE_CURRENT_LIST_DIR}/modloadac.c)
target_link_libraries(usermod INTERFACE usermod_loadac)
