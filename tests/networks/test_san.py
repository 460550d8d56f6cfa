"""Second-order attention against NumPy's covariance and eigendecomposition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from splitsr.networks.san.module import (
    RegionNonLocal,
    SecondOrderAttention,
    covariance,
    matrix_sqrt,
)


def random_covariances(least: float) -> np.ndarray:
    """Three symmetric 12x12 matrices with eigenvalues from `least` to 5."""
    rng = np.random.default_rng(3)
    values = np.linspace(least, 5, 12)
    turns = [np.linalg.qr(rng.normal(size=(12, 12)))[0] for _ in range(3)]
    return np.stack([turn * values @ turn.T for turn in turns]).astype(np.float32)


def of_eigenvalues(matrices: np.ndarray, function: object) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrices.astype(np.float64))
    return np.einsum("nij,nj,nkj->nik", vectors, function(values), vectors)  # type: ignore[operator]


def test_enough_iterations_give_the_square_root() -> None:
    matrices = random_covariances(0.05)
    found = matrix_sqrt(torch.from_numpy(matrices), iterations=16).numpy()
    np.testing.assert_allclose(found, of_eigenvalues(matrices, np.sqrt), atol=1e-3)
    np.testing.assert_allclose(found @ found, matrices, atol=5e-3)


@pytest.mark.parametrize("iterations", [2, 5, 9])
def test_each_iteration_does_to_the_eigenvalues_what_it_should(iterations: int) -> None:
    matrices = random_covariances(0.0)

    def newton_schulz(values: np.ndarray) -> np.ndarray:
        trace = values.sum(axis=1, keepdims=True)
        y, z = values / trace, np.ones_like(values)
        for _ in range(iterations):
            step = (3 - z * y) / 2
            y, z = y * step, z * step
        return y * np.sqrt(trace)

    found = matrix_sqrt(torch.from_numpy(matrices), iterations).numpy()
    np.testing.assert_allclose(found, of_eigenvalues(matrices, newton_schulz), atol=1e-4)


def test_covariance_is_numpys() -> None:
    x = torch.randn(2, 6, 5, 7) + 3
    found = covariance(x).numpy()
    for one, expected in zip(found, x.numpy().reshape(2, 6, -1), strict=True):
        np.testing.assert_allclose(one, np.cov(expected, bias=True), atol=1e-5)


def test_attention_weighs_channels_by_their_mean_covariance_root() -> None:
    attention = SecondOrderAttention(8, 4, iterations=5)
    x = torch.randn(2, 8, 9, 6)
    with torch.no_grad():
        pooled = matrix_sqrt(covariance(x), 5).mean(dim=2)
        hidden = torch.relu(
            pooled @ attention.squeeze.weight[:, :, 0, 0].T + attention.squeeze.bias
        )
        logits = hidden @ attention.excite.weight[:, :, 0, 0].T + attention.excite.bias
        expected = x * torch.sigmoid(logits)[:, :, None, None]
        torch.testing.assert_close(attention(x), expected)


def test_a_uniform_picture_has_finite_output_and_gradients() -> None:
    attention = SecondOrderAttention(8, 4, iterations=5)
    x = torch.full((1, 8, 4, 4), 0.3, requires_grad=True)
    attention(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_covariance_stays_in_float32_under_autocast() -> None:
    attention = SecondOrderAttention(8, 4, iterations=5)
    x = torch.randn(1, 8, 16, 16)
    with torch.no_grad():
        plain = attention(x)
        with torch.autocast("cpu", torch.bfloat16):
            assert attention._pool(x).dtype == torch.float32
            torch.testing.assert_close(attention(x).float(), plain, atol=0.05, rtol=0.02)


def test_non_local_mixes_within_a_quarter_alone() -> None:
    module = RegionNonLocal(16)
    x = torch.rand(1, 16, 6, 9, requires_grad=True)
    assert torch.equal(module(x), x)  # the identity at first
    torch.nn.init.normal_(module.out.weight)
    module(x)[0, :, 0, 0].sum().backward()
    assert x.grad is not None
    touched = x.grad[0].abs().sum(0) > 0
    assert touched[:3, :4].all()
    assert not touched[3:].any()
    assert not touched[:, 4:].any()


def test_non_local_is_attention_by_numpy() -> None:
    module = RegionNonLocal(16)
    torch.nn.init.normal_(module.out.weight)
    x = torch.randn(1, 16, 4, 4)
    region = x[0, :, :2, :2].flatten(1).T.numpy()  # (4 places, 16)

    def apply(layer: torch.nn.Conv2d, values: np.ndarray) -> np.ndarray:
        weight = layer.weight.detach().numpy()[:, :, 0, 0]
        assert layer.bias is not None
        return np.asarray(values @ weight.T + layer.bias.detach().numpy())

    scores = np.exp(apply(module.theta, region) @ apply(module.phi, region).T)
    mixed = scores / scores.sum(axis=1, keepdims=True) @ apply(module.value, region)
    expected = region + apply(module.out, mixed)
    with torch.no_grad():
        found = module(x)[0, :, :2, :2].flatten(1).T.numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
