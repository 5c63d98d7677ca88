// The channel behind standin.h, and the module `esp_standin` by which a test plays the hardware:
//   send(at_us, heard=True) -> bytes: the DMA has sent its next buffer at that time; heard=False loses the interrupt
//   is_open() -> bool

#include <string.h>

#include "py/runtime.h"
#include "standin.h"

#define BUFFERS_MAX (32)

struct _standin_channel_t {
    uint32_t buffers, frames, next;
    uint32_t *buffer[BUFFERS_MAX];
    i2s_event_callbacks_t callbacks;
    void *user;
    bool enabled;
};

static i2s_chan_handle_t the_channel;
static int64_t the_time_us;

int64_t esp_timer_get_time(void) {
    return the_time_us;
}

void check_esp_err(esp_err_t error) {
    mp_raise_OSError(error);
}

esp_err_t i2s_new_channel(const i2s_chan_config_t *config, i2s_chan_handle_t *sender, i2s_chan_handle_t *receiver) {
    (void)receiver;
    if (the_channel != NULL) {
        return 0x105; // ESP_ERR_NOT_FOUND: every controller is taken
    }
    the_channel = *sender = calloc(1, sizeof(**sender));
    the_channel->buffers = config->dma_desc_num;
    the_channel->frames = config->dma_frame_num;
    for (uint32_t i = 0; i < the_channel->buffers; ++i) {
        the_channel->buffer[i] = calloc(the_channel->frames, sizeof(uint32_t));
    }
    return ESP_OK;
}

esp_err_t i2s_channel_init_std_mode(i2s_chan_handle_t channel, const i2s_std_config_t *config) {
    (void)channel;
    (void)config;
    return ESP_OK;
}

esp_err_t i2s_channel_register_event_callback(i2s_chan_handle_t channel, const i2s_event_callbacks_t *callbacks, void *user) {
    channel->callbacks = *callbacks;
    channel->user = user;
    return ESP_OK;
}

esp_err_t i2s_channel_enable(i2s_chan_handle_t channel) {
    channel->enabled = true;
    return ESP_OK;
}

esp_err_t i2s_channel_disable(i2s_chan_handle_t channel) {
    channel->enabled = false;
    return ESP_OK;
}

esp_err_t i2s_del_channel(i2s_chan_handle_t channel) {
    for (uint32_t i = 0; i < channel->buffers; ++i) {
        free(channel->buffer[i]);
    }
    free(channel);
    the_channel = NULL;
    return ESP_OK;
}

static mp_obj_t standin_send(size_t n_args, const mp_obj_t *args) {
    if (the_channel == NULL || !the_channel->enabled) {
        mp_raise_ValueError(MP_ERROR_TEXT("no channel runs"));
    }
    the_time_us = mp_obj_get_int(args[0]);
    uint32_t *buffer = the_channel->buffer[the_channel->next];
    the_channel->next = (the_channel->next + 1) % the_channel->buffers;
    size_t bytes = the_channel->frames * sizeof(uint32_t);
    mp_obj_t sent = mp_obj_new_bytes((const byte *)buffer, bytes);
    if (n_args < 2 || mp_obj_is_true(args[1])) {
        i2s_event_data_t event = { .dma_buf = buffer, .size = bytes };
        the_channel->callbacks.on_sent(the_channel, &event, the_channel->user);
    }
    return sent;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(standin_send_obj, 1, 2, standin_send);

static mp_obj_t standin_is_open(void) {
    return mp_obj_new_bool(the_channel != NULL);
}
static MP_DEFINE_CONST_FUN_OBJ_0(standin_is_open_obj, standin_is_open);

static const mp_rom_map_elem_t module_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_esp_standin) },
    { MP_ROM_QSTR(MP_QSTR_send), MP_ROM_PTR(&standin_send_obj) },
    { MP_ROM_QSTR(MP_QSTR_is_open), MP_ROM_PTR(&standin_is_open_obj) },
};
static MP_DEFINE_CONST_DICT(module_globals, module_globals_table);

const mp_obj_module_t esp_standin_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_esp_standin, esp_standin_module);
