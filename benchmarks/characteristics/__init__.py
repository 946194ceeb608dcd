"""Operating characteristics of gates and intervals, by simulation with fixed seeds; usage: ``__main__``.

Everything measured here is measured on mlci itself: simulated rows become sufficient statistics, and those go through
``mlci.inference`` and ``mlci.gates`` as they do in a run.
"""
