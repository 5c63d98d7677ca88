// A MicroPython module `opus` over libopus (RFC 6716): decoding only, which is all that a node does.
//
//   decoder = opus.Decoder(48000, 1)
//   samples = decoder.decode(packet, pcm)            # a packet
//   samples = decoder.decode(None, pcm)              # a lost packet, concealed: exactly len(pcm) samples
//   samples = decoder.decode(next_packet, pcm, True) # a lost packet, from the next packet's in-band FEC
//
// Packets come from the network and are hostile: every length is checked here or by libopus, and what fails is a
// ValueError. Nothing is allocated by decode(), so a real-time loop never waits for the collector because of it.

#include <opus.h>

#include "py/binary.h"
#include "py/objstr.h"
#include "py/runtime.h"

#if !MICROPY_MODULE_ATTR_DELEGATION
#error "the opus module needs MICROPY_MODULE_ATTR_DELEGATION for opus.VERSION"
#endif

// The longest packet taken: three frames of 1275 bytes, the most a frame can have, and their header (RFC 6716, 3.2.5).
// A node's stream has at most three 20 ms frames a packet.
#define PACKET_BYTES_MAX (3 * 1275 + 7)

// The longest time that one call decodes or conceals: what one packet can hold (RFC 6716, 3.2.5).
#define CALL_MS_MAX (120)

typedef struct _opus_decoder_obj_t {
    mp_obj_base_t base;
    // On the garbage-collected heap like its owner, so that no finaliser is needed. It holds no pointer to other heap blocks.
    OpusDecoder *state;
    uint8_t channels;
    uint16_t frames_max;
} opus_decoder_obj_t;

static __attribute__((noreturn)) void raise_opus(int error) {
    mp_raise_msg_varg(error == OPUS_ALLOC_FAIL ? &mp_type_MemoryError : &mp_type_ValueError,
        MP_ERROR_TEXT("opus: %s"), opus_strerror(error));
}

static mp_obj_t decoder_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 2, 2, false);
    mp_int_t rate = mp_obj_get_int(args[0]);
    mp_int_t channels = mp_obj_get_int(args[1]);
    // libopus takes these as 32-bit numbers: refuse here what would wrap there. It checks the rate itself.
    if (channels < 1 || channels > 2 || rate < 8000 || rate > 48000) {
        raise_opus(OPUS_BAD_ARG);
    }
    opus_decoder_obj_t *self = mp_obj_malloc(opus_decoder_obj_t, type);
    self->channels = channels;
    self->frames_max = rate / 1000 * CALL_MS_MAX;
    self->state = m_malloc(opus_decoder_get_size(channels));
    int error = opus_decoder_init(self->state, rate, channels);
    if (error != OPUS_OK) {
        raise_opus(error);
    }
    return MP_OBJ_FROM_PTR(self);
}

// decode(packet, pcm, fec=False) -> samples for each channel
static mp_obj_t decoder_decode(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    enum { ARG_packet, ARG_pcm, ARG_fec };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_packet, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_pcm, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_fec, MP_ARG_BOOL, { .u_bool = false } },
    };
    opus_decoder_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_arg_val_t arg[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args - 1, args + 1, kw_args, MP_ARRAY_SIZE(allowed), allowed, arg);

    mp_buffer_info_t pcm;
    mp_get_buffer_raise(arg[ARG_pcm].u_obj, &pcm, MP_BUFFER_WRITE);
    switch (pcm.typecode) {
        case BYTEARRAY_TYPECODE:
        case 'B':
        case 'h':
            break;
        default:
            mp_raise_TypeError(MP_ERROR_TEXT("opus: pcm must be a bytearray or an array of 'h'"));
    }
    // A slice of a memoryview may start at an odd address, where some processors cannot store a sample.
    if ((uintptr_t)pcm.buf % sizeof(opus_int16) != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("opus: pcm must start at an even address"));
    }
    size_t frames = pcm.len / (sizeof(opus_int16) * self->channels);

    const unsigned char *data = NULL;
    opus_int32 data_len = 0;
    if (arg[ARG_packet].u_obj != mp_const_none) {
        mp_buffer_info_t packet;
        mp_get_buffer_raise(arg[ARG_packet].u_obj, &packet, MP_BUFFER_READ);
        // libopus takes an empty packet for a lost one: nobody on the network decides that a packet was lost.
        if (packet.len == 0 || packet.len > PACKET_BYTES_MAX) {
            raise_opus(OPUS_INVALID_PACKET);
        }
        data = packet.buf;
        data_len = packet.len;
    }
    bool exact = data == NULL || arg[ARG_fec].u_bool;
    if (frames > self->frames_max) {
        if (exact) {
            mp_raise_ValueError(MP_ERROR_TEXT("opus: more than 120 ms asked for"));
        }
        frames = self->frames_max;
    }
    if (frames == 0) {
        raise_opus(OPUS_BUFFER_TOO_SMALL);
    }

    // The interpreter's lock stays held: another thread could otherwise resize `pcm` or decode with the same state.
    int result = opus_decode(self->state, data, data_len, pcm.buf, (int)frames, arg[ARG_fec].u_bool);
    if (result < 0) {
        raise_opus(result);
    }
    return MP_OBJ_NEW_SMALL_INT(result);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(decoder_decode_obj, 3, decoder_decode);

// reset(): forgets the stream, as before the first packet
static mp_obj_t decoder_reset(mp_obj_t self_in) {
    opus_decoder_obj_t *self = MP_OBJ_TO_PTR(self_in);
    int error = opus_decoder_ctl(self->state, OPUS_RESET_STATE);
    if (error != OPUS_OK) {
        raise_opus(error);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(decoder_reset_obj, decoder_reset);

static const mp_rom_map_elem_t decoder_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_decode), MP_ROM_PTR(&decoder_decode_obj) },
    { MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&decoder_reset_obj) },
};
static MP_DEFINE_CONST_DICT(decoder_locals, decoder_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    opus_decoder_type,
    MP_QSTR_Decoder,
    MP_TYPE_FLAG_NONE,
    make_new, decoder_make_new,
    locals_dict, &decoder_locals
    );

// libopus knows its version only at run time, so it is looked up when asked for. The build finds this by its name.
void opus_module_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    (void)self_in;
    if (attr == MP_QSTR_VERSION && dest[0] == MP_OBJ_NULL) {
        const char *version = opus_get_version_string();
        dest[0] = mp_obj_new_str(version, strlen(version));
    }
}

static const mp_rom_map_elem_t module_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_opus) },
    { MP_ROM_QSTR(MP_QSTR_Decoder), MP_ROM_PTR(&opus_decoder_type) },
};
static MP_DEFINE_CONST_DICT(module_globals, module_globals_table);

const mp_obj_module_t opus_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_opus, opus_module);
MP_REGISTER_MODULE_DELEGATION(opus_module, opus_module_attr);
