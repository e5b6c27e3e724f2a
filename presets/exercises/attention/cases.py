"""Random inputs and torch's results for attention."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from tuilab.engine.grading.case import Case, RandomInputs, single_result


def cases(rng: RandomInputs) -> Iterator[Case]:
    """Yields cases with and without the mask, equal length and width first."""
    for n, length, d, causal in (
        (1, 3, 3, False),
        (1, 3, 3, True),
        (2, 4, 6, False),
        (2, 5, 3, True),
    ):
        q, k, v = rng.normal(n, length, d), rng.normal(n, length, d), rng.normal(n, length, d)
        a = F.scaled_dot_product_attention(q, k, torch.eye(length).expand(n, -1, -1),
                                           is_causal=causal)  # fmt: skip
        yield single_result("weights", a, q=q, k=k, causal=causal)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        yield single_result("attention", y, q=q, k=k, v=v, causal=causal)
    for n, length, d, heads, causal in (
        (1, 2, 4, 2, False), (1, 3, 4, 2, True), (2, 5, 6, 3, False), (2, 4, 8, 2, True)
    ):  # fmt: skip
        x, matrices = rng.normal(n, length, d), [rng.normal(d, d, scale=0.7) for _ in range(4)]
        inputs = dict(zip(("w_q", "w_k", "w_v", "w_o"), matrices, strict=True))
        expected = _multi_head(x, matrices, heads, causal)
        yield single_result("multi_head", expected, x=x, **inputs, heads=heads, causal=causal)


def _multi_head(x: Tensor, matrices: list[Tensor], heads: int, causal: bool) -> Tensor:
    """Returns the output of nn.MultiheadAttention with these weights: [batch, length, features]."""
    layer = torch.nn.MultiheadAttention(x.shape[-1], heads, bias=False, batch_first=True)
    mask = torch.ones(x.shape[1], x.shape[1]).triu(1).bool() if causal else None
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat(matrices[:3]))
        layer.out_proj.weight.copy_(matrices[3])
        output, _ = layer(x, x, x, attn_mask=mask, need_weights=False)
    assert isinstance(output, Tensor)
    return output
