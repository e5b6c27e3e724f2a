"""Cases for attention."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from tuilab.engine.grading.case import Case, Draw, one


def cases(draw: Draw) -> Iterator[Case]:
    """With the mask and without; lengths that equal the width, so that shapes hide nothing."""
    for n, length, d, causal in (
        (1, 3, 3, False),
        (1, 3, 3, True),
        (2, 4, 6, False),
        (2, 5, 3, True),
    ):
        q, k, v = draw.normal(n, length, d), draw.normal(n, length, d), draw.normal(n, length, d)
        a = F.scaled_dot_product_attention(q, k, torch.eye(length).expand(n, -1, -1),
                                           is_causal=causal)  # fmt: skip
        yield one("weights", a, q=q, k=k, causal=causal)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        yield one("attention", y, q=q, k=k, v=v, causal=causal)
    for n, length, d, heads, causal in (
        (1, 2, 4, 2, False), (1, 3, 4, 2, True), (2, 5, 6, 3, False), (2, 4, 8, 2, True)
    ):  # fmt: skip
        x, each = draw.normal(n, length, d), [draw.normal(d, d, scale=0.7) for _ in range(4)]
        inputs = dict(zip(("w_q", "w_k", "w_v", "w_o"), each, strict=True))
        expected = _multi_head(x, each, heads, causal)
        yield one("multi_head", expected, x=x, **inputs, heads=heads, causal=causal)


def _multi_head(x: Tensor, each: list[Tensor], heads: int, causal: bool) -> Tensor:
    """What nn.MultiheadAttention computes with these weights."""
    layer = torch.nn.MultiheadAttention(x.shape[-1], heads, bias=False, batch_first=True)
    mask = torch.ones(x.shape[1], x.shape[1]).triu(1).bool() if causal else None
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat(each[:3]))
        layer.out_proj.weight.copy_(each[3])
        found, _ = layer(x, x, x, attn_mask=mask, need_weights=False)
    assert isinstance(found, Tensor)
    return found
