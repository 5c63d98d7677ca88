"""What the network's way out is made of, by what the kernel shows of it in /proc and /sys."""

import os

_PPP = "512"  # ARPHRD_PPP, <linux/if_arp.h>
_MODEMS = ("wwan", "ppp", "rmnet")


def _lines(path):
    try:
        with open(path) as file:
            return file.read().split("\n")
    except (OSError, ValueError):
        return []


def _is_there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def default_interface(root=""):
    """Return the name of the interface that the IPv4 default route of the least metric goes by, or None."""
    best = None
    for line in _lines(root + "/proc/net/route")[1:]:
        fields = line.split()
        # Iface Destination Gateway Flags RefCnt Use Metric Mask
        if len(fields) < 8 or fields[1] != "00000000" or fields[7] != "00000000":
            continue
        try:
            metric = int(fields[6])
        except ValueError:
            continue
        if best is None or metric < best[0]:
            best = metric, fields[0]
    return None if best is None else best[1]


def kind(interface, root=""):
    """Return "wifi", "mobile" or "ethernet"; None for no interface, a tunnel, and whatever else has no hardware."""
    if interface is None:
        return None
    folder = root + "/sys/class/net/" + interface
    if _is_there(folder + "/wireless") or _is_there(folder + "/phy80211"):
        return "wifi"
    if "DEVTYPE=wwan" in _lines(folder + "/uevent") or _lines(folder + "/type")[:1] == [_PPP]:
        return "mobile"
    for modem in _MODEMS:
        if interface.startswith(modem):
            return "mobile"
    return "ethernet" if _is_there(folder + "/device") else None


def wifi_dbm(interface, root=""):
    """Return the signal of a Wi-Fi interface, dBm, or None."""
    for line in _lines(root + "/proc/net/wireless"):
        fields = line.split()
        if len(fields) > 3 and fields[0] == "%s:" % interface:
            try:
                level = int(float(fields[3]))
            except (ValueError, OverflowError):
                return None
            return level - 256 if level > 63 else level  # old drivers have it without a sign
    return None
