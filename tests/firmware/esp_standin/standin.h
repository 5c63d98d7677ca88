// As much of ESP-IDF as modloadac.c uses, so that the unix port can run it: one I2S channel, moved by a test by hand.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "py/obj.h"

#define ESP_IDF_VERSION_VAL(major, minor, patch) ((major) << 16 | (minor) << 8 | (patch))
#define ESP_IDF_VERSION ESP_IDF_VERSION_VAL(5, 4, 0)
#define IRAM_ATTR

typedef int esp_err_t;
#define ESP_OK (0)
void check_esp_err(esp_err_t error);
int64_t esp_timer_get_time(void);

typedef struct { int held; } portMUX_TYPE;
#define portMUX_INITIALIZE(mux) ((mux)->held = 0)
#define portENTER_CRITICAL(mux) ((mux)->held += 1)
#define portEXIT_CRITICAL(mux) ((mux)->held -= 1)
#define portENTER_CRITICAL_ISR portENTER_CRITICAL
#define portEXIT_CRITICAL_ISR portEXIT_CRITICAL

#define MALLOC_CAP_INTERNAL (1)
#define MALLOC_CAP_8BIT (2)
#define heap_caps_calloc(count, size, caps) calloc(count, size)
#define heap_caps_free free

typedef int gpio_num_t;
#define machine_pin_get_id(pin) mp_obj_get_int(pin)

typedef struct _standin_channel_t *i2s_chan_handle_t;
typedef struct { void *dma_buf; size_t size; } i2s_event_data_t;
typedef bool (*i2s_isr_callback_t)(i2s_chan_handle_t, i2s_event_data_t *, void *);
typedef struct { i2s_isr_callback_t on_sent; } i2s_event_callbacks_t;
typedef struct { uint32_t dma_desc_num, dma_frame_num; bool auto_clear; } i2s_chan_config_t;
typedef struct {
    uint32_t clk_cfg;
    int slot_cfg;
    struct { gpio_num_t mclk, bclk, ws, dout, din; } gpio_cfg;
} i2s_std_config_t;
#define I2S_CHANNEL_DEFAULT_CONFIG(id, role) { 6, 240, false }
#define I2S_STD_CLK_DEFAULT_CONFIG(rate) (rate)
#define I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(width, mode) (0)
#define I2S_GPIO_UNUSED (-1)

esp_err_t i2s_new_channel(const i2s_chan_config_t *config, i2s_chan_handle_t *sender, i2s_chan_handle_t *receiver);
esp_err_t i2s_channel_init_std_mode(i2s_chan_handle_t channel, const i2s_std_config_t *config);
esp_err_t i2s_channel_register_event_callback(i2s_chan_handle_t channel, const i2s_event_callbacks_t *callbacks, void *user);
esp_err_t i2s_channel_enable(i2s_chan_handle_t channel);
esp_err_t i2s_channel_disable(i2s_chan_handle_t channel);
esp_err_t i2s_del_channel(i2s_chan_handle_t channel);
