"""Features of an image, for training and prediction."""

import numpy as np


def features(images: np.ndarray) -> np.ndarray:
    """Return a row of pixels between 0 and 1 for each image."""
    return images.reshape(len(images), -1) / 16
