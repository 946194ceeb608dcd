"""The demo: a project on the diabetes study that ships with scikit-learn (Efron et al. 2004, Ann. Stat. 32:407)."""
