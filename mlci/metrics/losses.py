"""Names of the per-row quantities whose moments the engine sums.

Each name maps to the quantities of :class:`mlci.metrics.statistics.Moments`. ``y`` is the label, ``p`` a model's score
or prediction, ``e = p - y``.

========================  ==========================================================================
``squared``               e² of each model; for a binary task p is the probability (Brier score)
``absolute``              |e|
``signed``                e
``percentage``            |e| / max(|y|, eps), eps the float64 epsilon (scikit-learn's MAPE)
``pinball``               half the absolute error (scikit-learn's pinball loss at alpha = 0.5)
``log``                   -log of the probability given to the label, p clipped to [eps, 1 - eps]
``variance``              ``("y", "y2", "baseline", "candidate")``: y centred at ``Moments`` constant 0 after the
                          engine subtracts the whole set's mean, its square, and e² of each model (for R²)
========================  ==========================================================================

All others have quantities ``("baseline", "candidate")``; without a baseline only ``("candidate",)``.
"""

LOSSES = ("squared", "absolute", "signed", "percentage", "pinball", "log", "variance")
