"""The node's loops over samples for CPython: the C functions of ``firmware/cmodules/loadsp``, compiled when first used.

Installed as the module ``loadsp`` before the firmware is imported, which then takes them as a board with that C module
does. Without a C compiler the firmware falls back to its plain Python, equal to the bit and some 50 times slower.
"""

import ctypes
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

_HEADER = Path(__file__).resolve().parent.parent.parent / "firmware" / "cmodules" / "loadsp" / "loops.h"
_EXPORTS = """
#include "loops.h"
int32_t resample(const int16_t *source, int32_t start, int32_t *phase, int32_t step, int16_t *target, int32_t samples) {
    return loadsp_resample(source, start, phase, step, target, samples);
}
int32_t amplify(int16_t *samples, int32_t count, int32_t gain, int32_t target, int32_t step) {
    return loadsp_amplify(samples, count, gain, target, step);
}
int32_t power(const int16_t *samples, int32_t count) {
    return loadsp_power(samples, count);
}
"""


def install() -> bool:
    """Make ``import loadsp`` find the compiled loops; returns whether there is a compiler."""
    if "loadsp" in sys.modules:
        return True
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return False
    with tempfile.TemporaryDirectory(prefix="loaxa-loops-") as folder:
        source, library = Path(folder) / "loops.c", Path(folder) / "loops.so"
        source.write_text(_EXPORTS)
        command = [compiler, "-O2", "-shared", "-fPIC", f"-I{_HEADER.parent}", "-o", str(library), str(source)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return False
        sys.modules["loadsp"] = _module(ctypes.CDLL(str(library)))
    return True


def _module(library: ctypes.CDLL) -> ModuleType:
    pointer, number = ctypes.c_void_p, ctypes.c_int32
    library.resample.argtypes = (pointer, number, ctypes.POINTER(number), number, pointer, number)
    library.amplify.argtypes = (pointer, number, number, number, number)
    library.power.argtypes = (pointer, number)
    first_of, address_of = ctypes.c_int16.from_buffer, ctypes.addressof
    run_resample, run_amplify, run_power = library.resample, library.amplify, library.power
    place = number()
    place_reference = ctypes.byref(place)

    def resample(source: Any, start: int, phase: int, step: int, target: Any, samples: int) -> tuple[int, int]:
        place.value = phase
        source_at, target_at = address_of(first_of(source)), address_of(first_of(target))
        return run_resample(source_at, start, place_reference, step, target_at, samples), place.value

    def amplify(samples: Any, count: int, gain: int, target: int, step: int) -> int:
        return int(run_amplify(address_of(first_of(samples)), count, gain, target, step))

    def power(samples: Any, count: int) -> int:
        return int(run_power(address_of(first_of(samples)), count))

    module = ModuleType("loadsp")
    module.resample, module.amplify, module.power = resample, amplify, power  # type: ignore[attr-defined] # made at run time
    return module
