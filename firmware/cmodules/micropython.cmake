# Everything that a node on an ESP32 needs: make -C ports/esp32 USER_C_MODULES=<this file>
include(${CMAKE_CURRENT_LIST_DIR}/opus/micropython.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/loadac/micropython.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/loadsp/micropython.cmake)
