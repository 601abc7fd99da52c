"""Rows by class: how large a row's class is, and other rows of it; and classes found in codes."""

from collections.abc import Callable

import torch
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from bench import seeds
from bench.noise import Noise

__all__ = ["Classes", "PseudoClasses"]


class Classes(nn.Module):
    """The classes of all rows, by one labelling or by one for each cell: buffers that training
    resumes from, and that are no part of a cell's file.

    Arguments:
        labels: from 0, int64 [labellings, rows].
    """

    def __init__(self, labels: Tensor):
        super().__init__()
        for name in ("labels", "_order", "_sizes", "_starts"):
            self.register_buffer(name, None, persistent=False)
        self.set(labels)

    def set(self, labels: Tensor) -> None:
        """Other classes from now on."""
        self.labels = labels
        self._order = labels.argsort(dim=-1, stable=True)
        count = int(labels.max()) + 1
        self._sizes = torch.stack([torch.bincount(own, minlength=count) for own in labels])
        self._starts = self._sizes.cumsum(-1) - self._sizes

    def sizes(self, rows: Tensor) -> Tensor:
        """How many rows the class of each of `rows` [batch] has [labellings, batch]."""
        return self._sizes.gather(-1, self.labels[:, rows])

    def subsets(self, rows: Tensor, levels: Tensor) -> Tensor:
        """For each of `rows` [batch], rows of its class [labellings, batch, count], drawn with
        replacement by `levels` [batch, count] in [0, 1)."""
        own = self.labels[:, rows]
        sizes, starts = (t.gather(-1, own)[..., None] for t in (self._sizes, self._starts))
        # A level a rounding below 1 times a large size is that size.
        places = starts + torch.minimum((levels * sizes).long(), sizes - 1)
        return self._order.gather(-1, places.flatten(1)).view(places.shape)

    def renew(self, noise: Noise) -> None:
        """What is done before an epoch: labels stay as they are."""

    def visit(self, rows: Tensor, encode: Callable[[], Tensor]) -> None:
        """What is done after a batch: nothing is remembered of it."""


class PseudoClasses(Classes):
    """Clusters of codes, each cell's own: one class until they are first renewed.

    Arguments:
        codes: of all rows, as they start [cells, rows, width].
        exists: 1 where a coordinate exists [cells, 1, width].
        count: of clusters.
    """

    def __init__(self, codes: Tensor, exists: Tensor, count: int):
        super().__init__(codes.new_zeros(1, codes.shape[1], dtype=torch.int64))
        self.register_buffer("codes", codes, persistent=False)
        self.count, self.dims = count, exists.sum((-2, -1)).int().tolist()

    def renew(self, noise: Noise) -> None:
        """K-means, each cell by itself; one class where codes have no coordinates or are not finite
        numbers."""
        labels = self.codes.new_zeros(self.codes.shape[:2], dtype=torch.int64)
        seed = seeds.derive(noise.seed, purpose="k-means", **noise.axes) % 2**32
        for cell, dim in enumerate(self.dims):
            own = self.codes[cell, :, :dim]
            if dim and own.isfinite().all():
                # Threads add up in the order in which they happen to end.
                with threadpool_limits(1):
                    points = own.numpy(force=True)
                    found = KMeans(self.count, n_init=1, random_state=seed).fit(points)
                labels[cell] = torch.from_numpy(found.labels_)
        self.set(labels)

    def visit(self, rows: Tensor, encode: Callable[[], Tensor]) -> None:
        """Takes the codes of these rows as they are now."""
        self.codes[:, rows] = encode()
