// A MicroPython module `loadac` for the ESP32: a mono 16-bit I2S DAC that knows exactly which sample leaves it when.
//
//   dac = loadac.DAC(sck=26, ws=25, sd=22, rate=48000, dma_frames=120, dma_count=4, ring_frames=6240)
//   accepted = dac.write(pcm)                # never blocks; takes at most dac.free() frames
//   frames_out, local_us = dac.position()    # frames_out of the accepted frames had left the DMA at local_us
//
//                 write()                 interrupt, one each dma_frames            I2S
//   Python  ------------------->  ring  ------------------------------->  DMA ring ------>  amplifier
//            up to free() frames          refills the buffer just sent,
//                                         counts what it held, stamps the time
//
// The driver tells of every DMA buffer that has been sent. Only this interrupt writes to DMA buffers (never
// i2s_channel_write), so it knows how many accepted frames each one carries: when it is sent, exactly these have left.
// A buffer that cannot be filled is silent from there on; silence is never counted as a frame.

#include <string.h>

#include "driver/i2s_std.h"
#include "esp_attr.h"
#include "esp_heap_caps.h"
#include "esp_idf_version.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"

#include "py/mphal.h"
#include "py/runtime.h"
#include "py/smallint.h"

#define DMA_COUNT_MAX (32)
#define DMA_BYTES_MAX (4092) // one descriptor's limit
#define RING_FRAMES_MAX (48000)
#define FRAME_BYTES (4)      // both slots of the bus carry the sample: the mono modes of the chips differ in sample order

// A pointer to the buffer that was sent; until ESP-IDF 5.4 the event held the address of that pointer.
#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(5, 4, 0)
#define SENT_BUFFER(event) ((event)->dma_buf)
#else
#define SENT_BUFFER(event) (*(void **)(event)->data)
#endif

// Lives in internal RAM, with its interrupt in IRAM: flash may be busy when a buffer has been sent.
typedef struct _dac_state_t {
    portMUX_TYPE lock;
    i2s_chan_handle_t channel;
    uint64_t frames_out;  // accepted frames that have left the DMA
    int64_t out_at_us;    // when frames_out was exact, on esp_timer's clock
    uint32_t underruns;
    bool dry;             // the last refill had less than a full buffer
    uint8_t dma_count;
    uint8_t learned;      // buffers seen so far, up to dma_count; none is filled before all are known
    uint8_t next;         // the slot that is sent next
    uint32_t dma_frames;
    void *buffer[DMA_COUNT_MAX];      // in the order in which they are sent
    uint16_t filled[DMA_COUNT_MAX];   // accepted frames that each one carries
    uint32_t capacity;    // frames
    uint32_t mask;        // the ring's size less one; the size is a power of two
    uint32_t head, tail;  // frames ever accepted, frames ever moved to the DMA; both wrap
    int16_t ring[];
} dac_state_t;

typedef struct _dac_obj_t {
    mp_obj_base_t base;
    dac_state_t *state; // NULL once closed
} dac_obj_t;

static void IRAM_ATTR refill(dac_state_t *state, unsigned slot) {
    uint32_t *out = state->buffer[slot];
    uint32_t frames = state->head - state->tail;
    if (frames > state->dma_frames) {
        frames = state->dma_frames;
    }
    for (uint32_t i = 0; i < frames; ++i) {
        uint32_t sample = (uint16_t)state->ring[(state->tail + i) & state->mask];
        out[i] = sample << 16 | sample;
    }
    for (uint32_t i = frames; i < state->dma_frames; ++i) {
        out[i] = 0;
    }
    state->tail += frames;
    state->filled[slot] = frames;
    bool dry = frames < state->dma_frames;
    if (dry && !state->dry) {
        state->underruns += 1;
    }
    state->dry = dry;
}

// Learns the order of the buffers from the first round; a buffer back too early means that an interrupt was missed.
static void IRAM_ATTR learn(dac_state_t *state, void *sent) {
    if (state->learned > 0 && state->buffer[0] == sent) {
        state->learned = 0;
    }
    state->buffer[state->learned++] = sent;
}

static bool IRAM_ATTR on_sent(i2s_chan_handle_t channel, i2s_event_data_t *event, void *user) {
    (void)channel;
    dac_state_t *state = user;
    int64_t now_us = esp_timer_get_time();
    void *sent = SENT_BUFFER(event);
    portENTER_CRITICAL_ISR(&state->lock);
    if (state->learned < state->dma_count) {
        learn(state, sent);
    } else {
        // After a missed interrupt the buffers before this one have been sent as well, and are due to be sent again.
        unsigned missed = 0;
        while (missed < state->dma_count && state->buffer[(state->next + missed) % state->dma_count] != sent) {
            missed += 1;
        }
        if (missed < state->dma_count) {
            if (missed > 0 && !state->dry) {
                state->underruns += 1;
            }
            for (unsigned i = 0; i <= missed; ++i) {
                state->frames_out += state->filled[state->next];
                refill(state, state->next);
                state->next = (state->next + 1) % state->dma_count;
            }
        }
    }
    state->out_at_us = now_us;
    portEXIT_CRITICAL_ISR(&state->lock);
    return false; // no task was woken
}

static void dac_close(dac_obj_t *self) {
    dac_state_t *state = self->state;
    self->state = NULL;
    if (state != NULL) {
        if (state->channel != NULL) {
            i2s_channel_disable(state->channel); // fails harmlessly when it never ran
            i2s_del_channel(state->channel);
        }
        heap_caps_free(state);
    }
}

static dac_state_t *dac_state(mp_obj_t self_in) {
    dac_state_t *state = ((dac_obj_t *)MP_OBJ_TO_PTR(self_in))->state;
    if (state == NULL) {
        mp_raise_ValueError(MP_ERROR_TEXT("loadac: closed"));
    }
    return state;
}

static esp_err_t dac_open(dac_state_t *state, uint32_t rate, gpio_num_t sck, gpio_num_t ws, gpio_num_t sd) {
    i2s_chan_config_t channel = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_AUTO, I2S_ROLE_MASTER);
    channel.dma_desc_num = state->dma_count;
    channel.dma_frame_num = state->dma_frames;
    channel.auto_clear = false; // refill() does it: the driver would clear what refill() has just written
    i2s_std_config_t config = {
        .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(rate),
        .slot_cfg = I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_16BIT, I2S_SLOT_MODE_STEREO),
        .gpio_cfg = {
            .mclk = I2S_GPIO_UNUSED,
            .bclk = sck,
            .ws = ws,
            .dout = sd,
            .din = I2S_GPIO_UNUSED,
        },
    };
    i2s_event_callbacks_t callbacks = { .on_sent = on_sent };
    esp_err_t error = i2s_new_channel(&channel, &state->channel, NULL);
    if (error == ESP_OK) {
        error = i2s_channel_init_std_mode(state->channel, &config);
    }
    if (error == ESP_OK) {
        error = i2s_channel_register_event_callback(state->channel, &callbacks, state);
    }
    if (error == ESP_OK) {
        error = i2s_channel_enable(state->channel);
    }
    return error;
}

static mp_obj_t dac_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_sck, ARG_ws, ARG_sd, ARG_rate, ARG_dma_frames, ARG_dma_count, ARG_ring_frames };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_sck, MP_ARG_KW_ONLY | MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_ws, MP_ARG_KW_ONLY | MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_sd, MP_ARG_KW_ONLY | MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_rate, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = 48000 } },
        { MP_QSTR_dma_frames, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = 120 } },
        { MP_QSTR_dma_count, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = 4 } },
        { MP_QSTR_ring_frames, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = 6240 } },
    };
    mp_arg_val_t arg[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed), allowed, arg);
    mp_int_t rate = arg[ARG_rate].u_int, frames = arg[ARG_dma_frames].u_int, count = arg[ARG_dma_count].u_int;
    mp_int_t capacity = arg[ARG_ring_frames].u_int;
    if (rate < 8000 || rate > 96000) {
        mp_raise_ValueError(MP_ERROR_TEXT("loadac: rate must be 8000 to 96000"));
    }
    if (frames < 8 || frames > DMA_BYTES_MAX / FRAME_BYTES) {
        mp_raise_ValueError(MP_ERROR_TEXT("loadac: dma_frames must be 8 to 1023"));
    }
    if (count < 2 || count > DMA_COUNT_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("loadac: dma_count must be 2 to 32"));
    }
    if (capacity < frames || capacity > RING_FRAMES_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("loadac: ring_frames must be dma_frames to 48000"));
    }
    gpio_num_t sck = machine_pin_get_id(arg[ARG_sck].u_obj);
    gpio_num_t ws = machine_pin_get_id(arg[ARG_ws].u_obj);
    gpio_num_t sd = machine_pin_get_id(arg[ARG_sd].u_obj);

    // With a finaliser: a soft reset closes the channel, or its interrupt would run on.
    dac_obj_t *self = m_malloc_with_finaliser(sizeof(dac_obj_t));
    self->base.type = type;
    self->state = NULL;

    uint32_t ring_frames = 1;
    while (ring_frames < (uint32_t)capacity) {
        ring_frames *= 2;
    }
    size_t bytes = sizeof(dac_state_t) + ring_frames * sizeof(int16_t);
    dac_state_t *state = heap_caps_calloc(1, bytes, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
    if (state == NULL) {
        m_malloc_fail(bytes);
    }
    self->state = state;
    portMUX_INITIALIZE(&state->lock);
    state->dma_frames = frames;
    state->dma_count = count;
    state->capacity = capacity;
    state->mask = ring_frames - 1;
    state->dry = true;
    state->out_at_us = esp_timer_get_time();

    esp_err_t error = dac_open(state, rate, sck, ws, sd);
    if (error != ESP_OK) {
        dac_close(self);
        check_esp_err(error);
    }
    return MP_OBJ_FROM_PTR(self);
}

// free() -> frames that write() would accept now
static uint32_t free_frames(dac_state_t *state) {
    portENTER_CRITICAL(&state->lock);
    uint32_t frames = state->capacity - (state->head - state->tail);
    portEXIT_CRITICAL(&state->lock);
    return frames;
}

static mp_obj_t dac_free(mp_obj_t self_in) {
    return MP_OBJ_NEW_SMALL_INT(free_frames(dac_state(self_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(dac_free_obj, dac_free);

// write(pcm) -> frames accepted, the first ones of pcm (16-bit samples in the machine's byte order)
static mp_obj_t dac_write(mp_obj_t self_in, mp_obj_t pcm_in) {
    dac_state_t *state = dac_state(self_in);
    mp_buffer_info_t pcm;
    mp_get_buffer_raise(pcm_in, &pcm, MP_BUFFER_READ);
    if (pcm.len % sizeof(int16_t) != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("loadac: half a sample"));
    }
    uint32_t frames = free_frames(state);
    if (frames > pcm.len / sizeof(int16_t)) {
        frames = pcm.len / sizeof(int16_t);
    }
    // The interrupt takes no frame before `head` says that it is there, so the copy needs no lock.
    uint32_t start = state->head & state->mask;
    uint32_t first = state->mask + 1 - start;
    if (first > frames) {
        first = frames;
    }
    memcpy(&state->ring[start], pcm.buf, first * sizeof(int16_t));
    memcpy(&state->ring[0], (const uint8_t *)pcm.buf + first * sizeof(int16_t), (frames - first) * sizeof(int16_t));
    portENTER_CRITICAL(&state->lock);
    state->head += frames;
    portEXIT_CRITICAL(&state->lock);
    return MP_OBJ_NEW_SMALL_INT(frames);
}
static MP_DEFINE_CONST_FUN_OBJ_2(dac_write_obj, dac_write);

// position() -> (frames_out, local_us): so many accepted frames had left the DMA at that instant of time.ticks_us()
static mp_obj_t dac_position(mp_obj_t self_in) {
    dac_state_t *state = dac_state(self_in);
    portENTER_CRITICAL(&state->lock);
    uint64_t frames_out = state->frames_out;
    int64_t out_at_us = state->out_at_us;
    portEXIT_CRITICAL(&state->lock);
    mp_obj_t items[2] = {
        mp_obj_new_int_from_ull(frames_out),
        MP_OBJ_NEW_SMALL_INT(out_at_us & (MICROPY_PY_TIME_TICKS_PERIOD - 1)),
    };
    return mp_obj_new_tuple(2, items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(dac_position_obj, dac_position);

// underruns() -> how often the sound ran dry (a programme's end counts as well) or an interrupt came too late
static mp_obj_t dac_underruns(mp_obj_t self_in) {
    return mp_obj_new_int_from_uint(dac_state(self_in)->underruns);
}
static MP_DEFINE_CONST_FUN_OBJ_1(dac_underruns_obj, dac_underruns);

static mp_obj_t dac_deinit(mp_obj_t self_in) {
    dac_close(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(dac_deinit_obj, dac_deinit);

static const mp_rom_map_elem_t dac_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&dac_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&dac_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_free), MP_ROM_PTR(&dac_free_obj) },
    { MP_ROM_QSTR(MP_QSTR_position), MP_ROM_PTR(&dac_position_obj) },
    { MP_ROM_QSTR(MP_QSTR_underruns), MP_ROM_PTR(&dac_underruns_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&dac_write_obj) },
};
static MP_DEFINE_CONST_DICT(dac_locals, dac_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    loadac_dac_type,
    MP_QSTR_DAC,
    MP_TYPE_FLAG_NONE,
    make_new, dac_make_new,
    locals_dict, &dac_locals
    );

static const mp_rom_map_elem_t module_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_loadac) },
    { MP_ROM_QSTR(MP_QSTR_DAC), MP_ROM_PTR(&loadac_dac_type) },
};
static MP_DEFINE_CONST_DICT(module_globals, module_globals_table);

const mp_obj_module_t loadac_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_loadac, loadac_module);
