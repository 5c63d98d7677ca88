# Builds modloadac.c, which is the ESP32's, into the unix port on top of the stand-in.
SRC_USERMOD_C += $(USERMOD_DIR)/standin.c $(USER_C_MODULES)/loadac/modloadac.c
CFLAGS_USERMOD += -Wall -Wextra -Werror -I$(USERMOD_DIR)
