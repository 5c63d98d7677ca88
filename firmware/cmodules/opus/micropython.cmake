# For ports that build with CMake (esp32). The Opus library comes from an ESP-IDF component that serves libopus's own API;
# name another with -D LOAXA_OPUS_COMPONENT=<component> (a managed component is called <namespace>__<name>).
if(NOT LOAXA_OPUS_COMPONENT)
    set(LOAXA_OPUS_COMPONENT esphome__micro-opus)
endif()

add_library(usermod_opus INTERFACE)
target_sources(usermod_opus INTERFACE ${CMAKE_CURRENT_LIST_DIR}/modopus.c)
idf_component_get_property(LOAXA_OPUS_LIBRARY ${LOAXA_OPUS_COMPONENT} COMPONENT_LIB)
target_link_libraries(usermod_opus INTERFACE ${LOAXA_OPUS_LIBRARY})
target_link_libraries(usermod INTERFACE usermod_opus)
