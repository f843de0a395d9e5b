"""The course of a training run: steps, validations, and the weights of the best one."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

import numpy as np
import torch

from training.figure_reader.config import RunConfig

_CLIP = 1.0
"""Largest norm of a gradient."""

Say = Callable[[str], None]


def learn(
    model: torch.nn.Module,
    run: RunConfig,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    *,
    loss_of_batch: Callable[[], torch.Tensor],
    validate: Callable[[], dict[str, float]],
    say: Say,
) -> list[dict[str, float]]:
    """Train the model in place, up to the step of the best validation; returns what each validation found.

    Args:
        loss_of_batch: draws a batch and gives its mean loss.
        validate: what is found on what is stopped by; `nll` of it counts, the less the better.
    """
    course: list[dict[str, float]] = []
    best: tuple[float, dict[str, torch.Tensor]] | None = None
    since_best = 0
    losses: list[float] = []
    began = time.perf_counter()
    for step in range(1, run.steps + 1):
        model.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=run.precision == "bf16"):
            loss = loss_of_batch()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % run.evaluate_every and step != run.steps:
            continue
        numbers = {"loss": float(np.mean(losses)), **validate()}
        seconds = round(time.perf_counter() - began)
        course.append({"step": step, "seconds": seconds, **{k: round(v, 5) for k, v in numbers.items()}})
        say(f"step {step}, {seconds} s: {', '.join(f'{name} {v:.4f}' for name, v in numbers.items())}")
        losses = []
        if best is None or numbers["nll"] < best[0]:
            best, since_best = (numbers["nll"], copy.deepcopy(model.state_dict())), 0
        else:
            since_best += 1
            if since_best >= run.patience:
                break
    assert best is not None
    model.load_state_dict(best[1])
    model.eval()
    return course
