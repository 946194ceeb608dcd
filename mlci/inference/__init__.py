"""Inference from sufficient statistics: values, paired differences, intervals and evidence for gates."""
