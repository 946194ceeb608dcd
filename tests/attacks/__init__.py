"""Attacks on everything that reads bytes from outside: cases as data, five invariants after each, and the mitigations.

``families/`` holds the cases, ``mitigations.py`` the product's functions that stop them. `test_mitigations.py` removes
one mitigation at a time and expects a red case.
"""
