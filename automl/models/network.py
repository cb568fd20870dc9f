"""A multilayer perceptron in numpy: its parameters are one flat array, so that a step and a copy are one operation."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl.models.affine import FAR, affine

Array = NDArray[np.float32]

CLIP: Final = 3.0
BETAS: Final = (0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Network:
    """Layer sizes from columns to outputs; ReLU between layers.

    >>> Network((4, 8, 1)).size
    49
    """

    sizes: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum((inputs + 1) * outputs for inputs, outputs in zip(self.sizes, self.sizes[1:], strict=False))

    def layers(self, flat: Array) -> list[tuple[Array, Array]]:
        """Return (weights, bias) views into the parameters, one pair a layer."""
        pairs, start = [], 0
        for inputs, outputs in zip(self.sizes, self.sizes[1:], strict=False):
            end = start + inputs * outputs
            pairs.append((flat[start:end].reshape(inputs, outputs), flat[end : end + outputs]))
            start = end + outputs
        return pairs

    def initial(self, rng: np.random.Generator) -> Array:
        """Return He-normal weights (He, Zhang, Ren, Sun 2015); the output layer starts at 0, that is at the prior."""
        flat = np.zeros(self.size, np.float32)
        for weights, _ in self.layers(flat)[:-1]:
            weights[:] = rng.normal(0, sqrt(2 / len(weights)), weights.shape)
        return flat

    def forward(self, flat: Array, X: Array) -> Array:
        """Return (rows, outputs); the bits of a row do not depend on the batch."""
        hidden = squash(X)
        *inner, last = self.layers(flat)
        for weights, bias in inner:
            hidden = np.maximum(affine(hidden, weights, bias), 0)
        return affine(hidden, *last)

    def activations(self, flat: Array, X: Array, dropout: float, rng: np.random.Generator) -> list[Array]:
        """Return the input of every layer and the output of the last, with dropout between layers."""
        found = [X]
        pairs = self.layers(flat)
        for weights, bias in pairs[:-1]:
            hidden = np.maximum(found[-1] @ weights + bias, 0)
            if dropout:
                hidden *= (rng.random(hidden.shape, np.float32) >= dropout) / np.float32(1 - dropout)
            found.append(hidden)
        weights, bias = pairs[-1]
        found.append(found[-1] @ weights + bias)
        return found

    def gradient(self, flat: Array, activations: list[Array], error: Array, dropout: float) -> Array:
        """Return the gradient for the ``error`` (rows, outputs) at the output."""
        gradient = np.empty_like(flat)
        pairs = list(zip(self.layers(flat), self.layers(gradient), strict=True))
        for depth in range(len(pairs) - 1, -1, -1):
            (weights, _), (weights_slope, bias_slope) = pairs[depth]
            np.matmul(activations[depth].T, error, out=weights_slope)
            bias_slope[:] = error.sum(axis=0)
            if depth:
                # where ReLU or dropout left 0 nothing flows back
                error = (error @ weights.T) * (activations[depth] > 0) / np.float32(1 - dropout)
        return gradient


class Adam:
    """Adam with decoupled weight decay (Loshchilov, Hutter 2019)."""

    def __init__(self, size: int, decay: float) -> None:
        self._mean = np.zeros(size, np.float32)
        self._square = np.zeros(size, np.float32)
        self._decay = decay
        self._steps = 0

    def step(self, flat: Array, gradient: Array, rate: float) -> None:
        """Change the parameters in place."""
        self._steps += 1
        first, second = BETAS
        self._mean += np.float32(1 - first) * (gradient - self._mean)
        self._square += np.float32(1 - second) * (gradient * gradient - self._square)
        root = np.sqrt(self._square) * np.float32(1 / sqrt(1 - second**self._steps)) + np.float32(1e-8)
        flat *= np.float32(1 - rate * self._decay)
        flat -= np.float32(rate / (1 - first**self._steps)) * self._mean / root


def squash(X: Array) -> Array:
    """Return inputs with far values drawn in, below 3 in size, smoothly (RealMLP, Holzmüller 2024)."""
    near = np.clip(X, -FAR, FAR)
    squashed: Array = near / np.sqrt(1 + np.square(near / np.float32(CLIP)))
    return squashed
