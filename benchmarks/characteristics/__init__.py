"""How often mlci's gates and intervals are right, by simulation with fixed seeds; see ``__main__`` for how to run it.

Everything measured here is measured on mlci itself: simulated rows become sufficient statistics, and those go through
``mlci.inference`` and ``mlci.gates`` as they do in a run.
"""
