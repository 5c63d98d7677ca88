"""What is sensed by what ``node.json`` says hangs on the board: readings become values, levels become yes or no."""


class Sensing:
    """Of a board with `_config`, `reading(place)`, a number or None, and `level(place)`, 0, 1 or None, of a pin or a
    file (firmware.node.sensors). Where nothing is configured, or it shows nothing, the answer is None."""

    def value(self, name):
        """Return what a configured sensor shows, scaled, as an integer; None where there is none or it shows
        nothing."""
        sensor = self._config.sensors.get(name)
        reading = None if sensor is None else self.reading(sensor[0])
        if reading is None:
            return None
        _, factor, zero, _, _ = sensor
        value = (reading - zero) * factor
        return round(value) if -1e12 < value < 1e12 else None

    def is_active(self, name):
        """Return 1 where a configured switch says yes, 0 where no; None where there is none or it says nothing."""
        sensor = self._config.sensors.get(name)
        level = None if sensor is None else self.level(sensor[0])
        return None if level is None else int(level == sensor[3])

    def mobile_dbm(self):
        """Return the signal of a modem that writes it into a file."""
        return self.value("mobile")

    def supply_mv(self):
        """Return the supply's voltage."""
        found = self.value("supply")
        return None if found is None else max(found, 0)

    def speaker_ma(self):
        """Return the current into the horns now."""
        found = self.value("speaker")
        return None if found is None else max(found, 0)

    def door_open(self):
        """Return whether the box is open."""
        return self.is_active("door")

    def tilted(self):
        """Return whether the pole leans."""
        return self.is_active("tilt")

    def fm(self):
        """Return what an old FM receiver does, by its squelch, and by its supply where that is wired, too."""
        carrier = self.is_active("fm")
        if carrier is None:
            return None
        if self.is_active("fm_power") == 0:
            return "off"
        return "carrier" if carrier else "no_carrier"
