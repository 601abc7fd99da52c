"""A player's updates are its torch optimiser's."""

from functools import partial

import pytest
import torch

from bench.descent import Descent

OPTIMISERS = {
    "adam": partial(torch.optim.Adam, betas=(0.5, 0.999)),
    "decay": partial(torch.optim.Adam, weight_decay=0.1, eps=1e-4),
    "amsgrad": partial(torch.optim.Adam, amsgrad=True),
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}


def draws(step):
    """Values of two parameters, one of them stored in another order."""
    generator = torch.Generator().manual_seed(step)
    return [torch.randn(3, 40, 8, generator=generator), torch.randn(8, 3, generator=generator).T]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_updates_are_torchs_to_the_last_bit_at_changing_rates(name):
    fused = {} if name == "rmsprop" else {"fused": True}
    if name == "adamw":
        fused = {"foreach": True}
    plain = [torch.nn.Parameter(it.clone()) for it in draws(0)]
    theirs = OPTIMISERS[name](plain, lr=0.01, **fused)
    moved = [torch.nn.Parameter(it.clone()) for it in draws(0)]
    ours = Descent(OPTIMISERS[name], moved, 0.01)
    for step in range(1, 6):
        theirs.param_groups[0]["lr"] = 0.01 / step
        ours.rate(0.01 / step)
        for parameter, gradient in zip(plain, draws(step), strict=True):
            parameter.grad = gradient.contiguous()
        theirs.step()
        ours.step(draws(step))
        for one, other, before in zip(moved, plain, draws(0), strict=True):
            assert torch.equal(one, other)
            assert not torch.equal(one, before)
            assert one.grad is None


def test_a_state_that_was_put_back_is_gone_on_from():
    whole, parted = ([torch.nn.Parameter(it.clone()) for it in draws(0)] for _ in range(2))
    one, first = (Descent(torch.optim.Adam, it, 0.01) for it in (whole, parted))
    second = Descent(torch.optim.Adam, parted, 0.01)
    for step in (1, 2):
        one.step(draws(step))
        first.step(draws(step))
    for parameter in parted:
        second.optimiser.state[parameter] = dict(first.optimiser.state[parameter])
    for step in (3, 4):
        one.step(draws(step))
        second.step(draws(step))
    assert all(map(torch.equal, whole, parted))
