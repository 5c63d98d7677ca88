// A MicroPython module `loadsp`: the loops over samples in C, three to five times as fast as viper's.
//
//   whole, phase = loadsp.resample(source, start, phase, step, target, samples)
//   gain = loadsp.amplify(samples, count, gain, target, step)
//   mean_square = loadsp.power(samples, count)
//
// As firmware/node/hot_plain.py, but that every index is checked: what does not fit the buffers is a ValueError.

#include "py/binary.h"
#include "py/runtime.h"

#include "loops.h"

#define ONE (1 << 24)
#define UNITY_MAX (4 << 13)

static int16_t *samples_of(mp_obj_t object, mp_uint_t flags, size_t *count) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(object, &info, flags);
    if (info.typecode != 'h') {
        mp_raise_ValueError(MP_ERROR_TEXT("loadsp: not int16"));
    }
    *count = info.len / sizeof(int16_t);
    return info.buf;
}

static mp_int_t within(mp_obj_t object, mp_int_t low, mp_int_t high) {
    mp_int_t value = mp_obj_get_int(object);
    if (value < low || value > high) {
        mp_raise_ValueError(MP_ERROR_TEXT("loadsp: out of range"));
    }
    return value;
}

static mp_obj_t loadsp_resample_(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t source_count, target_count;
    const int16_t *source = samples_of(args[0], MP_BUFFER_READ, &source_count);
    int16_t *target = samples_of(args[4], MP_BUFFER_WRITE, &target_count);
    int32_t samples = within(args[5], 0, target_count);
    int32_t phase = within(args[2], 0, ONE - 1);
    // Half to twice the speed: far more than a crystal is off, and nothing below can overflow.
    int32_t step = within(args[3], ONE / 2, 2 * ONE);
    int32_t start = within(args[1], 1, source_count);
    // The last sample read is two after the last position.
    int64_t last = samples ? start + (((int64_t)step * (samples - 1) + phase) >> 24) + 2 : start;
    if (last >= (int64_t)source_count) {
        mp_raise_ValueError(MP_ERROR_TEXT("loadsp: source too short"));
    }
    mp_obj_t result[2];
    result[0] = mp_obj_new_int(loadsp_resample(source, start, &phase, step, target, samples));
    result[1] = mp_obj_new_int(phase);
    return mp_obj_new_tuple(2, result);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(loadsp_resample_obj, 6, 6, loadsp_resample_);

static mp_obj_t loadsp_amplify_(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t room;
    int16_t *samples = samples_of(args[0], MP_BUFFER_RW, &room);
    int32_t count = within(args[1], 0, room);
    int32_t gain = within(args[2], 0, UNITY_MAX);
    int32_t target = within(args[3], 0, UNITY_MAX);
    int32_t step = within(args[4], 0, UNITY_MAX + 1);
    return mp_obj_new_int(loadsp_amplify(samples, count, gain, target, step));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(loadsp_amplify_obj, 5, 5, loadsp_amplify_);

static mp_obj_t loadsp_power_(mp_obj_t samples_in, mp_obj_t count_in) {
    size_t room;
    const int16_t *samples = samples_of(samples_in, MP_BUFFER_READ, &room);
    int32_t count = within(count_in, 0, room < LOADSP_MOST ? room : LOADSP_MOST);
    return mp_obj_new_int(loadsp_power(samples, count));
}
static MP_DEFINE_CONST_FUN_OBJ_2(loadsp_power_obj, loadsp_power_);

static const mp_rom_map_elem_t loadsp_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_loadsp) },
    { MP_ROM_QSTR(MP_QSTR_resample), MP_ROM_PTR(&loadsp_resample_obj) },
    { MP_ROM_QSTR(MP_QSTR_amplify), MP_ROM_PTR(&loadsp_amplify_obj) },
    { MP_ROM_QSTR(MP_QSTR_power), MP_ROM_PTR(&loadsp_power_obj) },
};
static MP_DEFINE_CONST_DICT(loadsp_globals, loadsp_globals_table);

const mp_obj_module_t loadsp_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&loadsp_globals,
};
MP_REGISTER_MODULE(MP_QSTR_loadsp, loadsp_module);
