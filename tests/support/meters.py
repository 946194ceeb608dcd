"""A meter with fixed readings."""


class FixedMeter:
    """Returns the same energy for every step."""

    def __init__(self, energy):
        self.energy = energy

    def begin(self):
        pass

    def end(self):
        return self.energy
