SRC_USERMOD_C += $(USERMOD_DIR)/modloadsp.c
CFLAGS_USERMOD += -Wall -Wextra -Werror -O2
