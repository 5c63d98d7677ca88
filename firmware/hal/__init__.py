"""What a board offers a node. `firmware/main.py` makes one HAL and hands it to `firmware.node.agent.Agent`.

ticks_period            period of ticks_us(), a power of two
ticks_us()              microseconds of the local clock, modulo ticks_period
await sleep_ms(ms)      let other tasks run for so long
random()                an integer from 0 to 255 that an onlooker cannot predict

open_dac()              the DAC: mono, 16 bit, 48 kHz
    .write(int16)         frames accepted, never blocks
    .free()               frames that write() would accept now
    .position()           (frames_out, ticks): so many accepted frames had left at exactly `ticks`
    .underruns()          how often it ran dry
stamp_sd_us             standard deviation of `ticks` in position(), microseconds
make_decoder()          an Opus decoder, interface of firmware/cmodules/opus

await network_up()      returns once packets can leave; OSError when they cannot yet: it is asked again
open_udp(host, port)    the socket for audio and time, to and from the controller's media address
    .send(data)           never blocks, never raises: a datagram may be lost in any case
    await .readable()     until something has come
    .receive()            (data, from_media) or None; never blocks. Data is empty where it was longer than expected
    .close()
    .send(data, to)       the same, to whom something came from
    .source               the address that the last datagram came from
open_group(host, port, most_bytes=1500)  the same for a multicast group, joined; from_media is True for all that comes
open_lan(host, port, most_bytes)    a socket with a port of its own; send(data) goes to that group, and no farther than
                        the LAN. What comes and is longer than most_bytes is cut
resolve(host, port)     the address of a TCP peer, for open_stream(); may block for a name server
await open_stream(address, authorities)     asyncio streams (reader, writer); authorities: a list of certificates in
                        PEM, from one of which the peer's is, or None for TCP in the clear
check_authority(pem)    ValueError when a certificate cannot be one of those

open_pinned(host, port, in_the_clear)   (stream, SHA-256 of the peer's certificate or None), blocking; OSError
ask(prompt)             a line from the person at the console, empty where there is nobody

load_settings(), save_settings(data)    bytes that survive a power cut, old or new, never half
load_identity(), save_identity(data)    the same, kept from other users of the system
load_trust(), save_trust(data)          the same, up to 5000 bytes
restart_cause, board    texts
serial()                of the hardware, a text, perhaps empty
reboot(cause)           restart; the cause is told after it
watchdog(timeout_ms)    an object with feed(); without it for so long the board restarts
free_heap_bytes(), storage_free_bytes(), storage_total_bytes()      integers, or None
link()                  by what the controller is reached: "wifi", "mobile", "ethernet", or None
wifi_dbm(), mobile_dbm(), temperature_mc()      integers, or None
supply_mv(), speaker_ma()   by sensors of node.json: integers; None where none is configured or it cannot be read
door_open(), tilted()   the same by switches: 1 or 0, or None
fm()                    of an old FM receiver: "off", "carrier", "no_carrier", or None
log(text), log_exception(task, error)   for a person at the console
"""
