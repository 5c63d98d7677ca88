# For ports that build with make (unix): links the system's libopus.
OPUS_MODULE_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(OPUS_MODULE_DIR)/modopus.c
CFLAGS_USERMOD += -Wall -Wextra -Werror $(shell pkg-config --cflags opus)
LDFLAGS_USERMOD += $(shell pkg-config --libs opus)
