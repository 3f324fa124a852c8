"""Attention: by hand with views and with einsum, torch's own modules, ViT, GPT, attention over maps."""

# ruff: noqa: E501 (a line of a program stays one line)
from __future__ import annotations

from bench.generated.draw import Draw, module
from bench.generated.scripts import Feed, Goal, Task, finish


def heads(d: Draw) -> str:
    """Several heads by hand."""
    count, each, length = d.one(2, 4), d.one(4, 6), d.one(5, 8)
    width = count * each
    init = [
        f"self.heads = {d.slip('heads', 'heads', 'heads + 1')}",
        "self.head_dim = dim // heads",
        f"self.q = nn.Linear(dim, {d.slip('q', 'dim', 'dim * 2')})",
        "self.k = nn.Linear(dim, dim)",
        "self.v = nn.Linear(dim, dim)",
        f"self.proj = nn.Linear({d.slip('proj', 'dim', 'self.head_dim')}, dim)",
    ]
    split = d.slip(
        "split",
        "t.view(b, n, self.heads, self.head_dim).transpose(1, 2)",
        "t.view(b, n, self.heads, self.head_dim)",
        "t.view(b, self.heads, n, self.head_dim)",
        "t.view(b, n, self.head_dim).transpose(1, 2)",
        "t.view(b, n, self.heads, -1).permute(0, 3, 1, 2)",
    )
    scores = d.slip(
        "scores",
        d.one("q @ k.transpose(-2, -1)", "torch.matmul(q, k.transpose(2, 3))"),
        "q @ k",
        "q @ k.transpose(0, 1)",
        "q @ k.transpose(1, 2)",
    )
    join = d.slip(
        "join",
        d.one("out.transpose(1, 2).reshape(b, n, c)", "out.permute(0, 2, 1, 3).contiguous().view(b, n, c)"),
        "out.transpose(1, 2).view(b, n, c)",
        "out.reshape(b, n, self.head_dim)",
        "out.transpose(1, 2)",
        "out.reshape(b, n, c)",
    )
    forward = [
        "b, n, c = x.shape",
        f"q, k, v = [{split} for t in (self.q(x), self.k(x), self.v(x))]",
        f"att = {scores} / self.head_dim ** 0.5",
        *(["att = att.masked_fill(mask == 0, float('-inf'))"] if (mask := d.chance(0.4)) else []),
        f"att = att.softmax(dim={d.slip('softmax', -1, 1)})",
        "out = att @ v",
        f"out = {join}",
        "return self.proj(out)",
    ]
    code = module(d, "Attention", init, forward, args="dim, heads=8", takes="x, mask" if mask else "x")
    given = d.slip(
        "mask",
        f"torch.tril(torch.ones({length}, {length}))",
        f"torch.tril(torch.ones({length + 1}, {length + 1}))",
        f"torch.ones({length}, 1)",
        f"torch.ones({width})",
    )
    return finish(
        d,
        Task(
            code,
            f"Attention({width}, heads={d.slip('num_heads', count, count + 1, 5)})",
            (Feed("x", (length, width)),),
            Goal("values", (length, width)),
            take="{}".replace("{}", "{}") if not mask else f"model(x, {given})",
        ),
    )


def einsums(d: Draw) -> str:
    """Attention written with einsum, q, k and v from one layer."""
    count, each, length = d.one(2, 3), d.one(4, 8), d.one(4, 6)
    width = count * each
    init = [
        f"self.h = {count}",
        f"self.qkv = nn.Linear({d.width('qkv in', width)}, {d.slip('qkv', f'3 * {width}', f'{width}', f'2 * {width}')})",
        f"self.out = nn.Linear({width}, {width})",
    ]
    split = d.slip(
        "chunk", "q, k, v = self.qkv(x).chunk(3, dim=-1)", "q, k, v = self.qkv(x).chunk(3, dim=1)", "q, k, v = self.qkv(x).chunk(2, dim=-1)"
    )
    shape = d.slip(
        "reshape",
        f"t.reshape(b, n, self.h, {each})",
        f"t.reshape(b, n, self.h, {each + 1})",
        f"t.reshape(b, self.h, n, {each})",
        f"t.reshape(b, n, {width})",
    )
    scores = d.slip(
        "scores",
        "torch.einsum('bihd,bjhd->bhij', q, k)",
        "torch.einsum('bihd,bhjd->bhij', q, k)",
        "torch.einsum('bhid,bhjd->bij', q, k)",
        "torch.einsum('bid,bjd->bij', q, k)",
    )
    mix = d.slip(
        "mix",
        "torch.einsum('bhij,bjhd->bihd', att, v)",
        "torch.einsum('bhij,bhjd->bihd', att, v)",
        "torch.einsum('bij,bjhd->bihd', att, v)",
    )
    forward = [
        "b, n, _ = x.shape",
        split,
        f"q, k, v = ({shape} for t in (q, k, v))",
        f"att = {scores} * {each} ** -0.5",
        "att = F.softmax(att, dim=-1)",
        f"out = {mix}",
        f"return self.out({d.slip('flatten', 'out.reshape(b, n, -1)', 'out', 'out.flatten(1)')})",
    ]
    return finish(
        d,
        Task(
            module(d, "EinsumAttention", init, forward), "EinsumAttention()", (Feed("x", (length, width)),), Goal("values", (length, width))
        ),
    )


def encoder(d: Draw) -> str:
    """`nn.TransformerEncoder` over words, the mean decides."""
    words, count, each, length, classes = d.one(30, 40), d.one(2, 4), d.one(4, 8), d.one(6, 10), d.one(2, 4)
    width = count * each
    longest = d.slip("max_len", length + d.one(0, 4), length - 1)
    first = d.slip("batch_first", "True", "False")
    init = [
        f"self.embed = nn.Embedding({words}, {width})",
        f"self.pos = nn.{d.one(f'Parameter(torch.zeros(1, {longest}, {width}))', f'Parameter(torch.randn({longest}, {width}) * 0.02)')}",
        f"layer = nn.TransformerEncoderLayer(d_model={d.width('d_model', width)}, nhead={d.slip('nhead', count, count + 1, 3)}, dim_feedforward={width * 2}, batch_first={first})",
        f"self.encoder = nn.TransformerEncoder(layer, num_layers={d.number(1, 2)})",
        f"self.fc = nn.Linear({d.width('fc', width)}, {classes})",
    ]
    masked = d.chance(0.3)
    pos = d.slip("position", "x = self.embed(x) + self.pos[..., :x.size(1), :]", "x = self.embed(x) + self.pos")
    call = f"self.encoder(x, src_key_padding_mask={d.slip('mask', 'mask', 'mask.T', 'mask[:, 1:]')})" if masked else "self.encoder(x)"
    lines = (["mask = x == 0"] if masked else []) + [
        pos,
        f"x = {call}",
        f"return self.fc({d.slip('pool', 'x.mean(dim=1)', 'x.mean(dim=2)', 'x', 'x.mean(dim=0)')})",
    ]
    code = module(d, "TextTransformer", init, lines)
    return finish(d, Task(code, "TextTransformer()", (Feed("tokens", (length,), words),), Goal("classes", (), classes)))


def vision(d: Draw) -> str:
    """A ViT: patches, a class token, positions."""
    patch, side, width, channels = d.one(4, 7), d.number(2, 4), d.one(8, 12), d.one(1, 3)
    size, tokens = patch * side, side * side
    by_conv = d.chance(0.5)
    if by_conv:
        first = f"self.patch = nn.Conv2d({d.width('patch', channels)}, {width}, kernel_size={patch}, stride={patch})"
        cut = d.slip(
            "patches", "x = self.patch(x).flatten(2).transpose(1, 2)", "x = self.patch(x).flatten(2)", "x = self.patch(x).flatten(1)"
        )
    else:
        first = f"self.patch = nn.Linear({d.slip('patch', f'{channels} * {patch} * {patch}', f'{patch} * {patch} * {channels + 1}', f'{channels} * {patch}')}, {width})"
        cut = d.slip(
            "patches",
            f"x = x.unfold(2, {patch}, {patch}).unfold(3, {patch}, {patch}).permute(0, 2, 3, 1, 4, 5).reshape(b, -1, {channels * patch * patch})\nx = self.patch(x)",
            f"x = x.unfold(2, {patch}, {patch}).unfold(3, {patch}, {patch}).permute(0, 2, 3, 1, 4, 5).view(b, -1, {channels * patch * patch})\nx = self.patch(x)",
            f"x = x.unfold(2, {patch}, {patch}).unfold(2, {patch}, {patch}).permute(0, 2, 3, 1, 4, 5).reshape(b, -1, {channels * patch * patch})\nx = self.patch(x)",
            f"x = x.unfold(2, {patch}, {patch}).unfold(3, {patch}, {patch}).reshape(b, {tokens}, -1)\nx = self.patch(x.permute(0, 2, 1))",
        )
    init = [
        first,
        f"self.cls = nn.Parameter(torch.zeros(1, 1, {width}))",
        f"self.pos = nn.Parameter(torch.zeros(1, {d.slip('positions', f'{tokens} + 1', str(tokens), f'{(side + 1) ** 2} + 1')}, {width}))",
        f"layer = nn.TransformerEncoderLayer({width}, {d.slip('nhead', 4, 5, 3 if width == 8 else 8)}, {width * 2}, batch_first=True)",
        "self.blocks = nn.TransformerEncoder(layer, 1)",
        f"self.head = nn.Linear({d.width('head', width)}, 10)",
    ]
    token = d.slip("class token", "self.cls.expand(b, -1, -1)", "self.cls", "self.cls.expand(b, -1)", "self.cls.repeat(1, b, 1)")
    forward = [
        "b = x.shape[0]",
        cut,
        f"x = torch.cat([{token}, x], dim=1)",
        "x = x + self.pos",
        "x = self.blocks(x)",
        f"return self.head({d.slip('take', 'x[:, 0]', 'x[0]', 'x')})",
    ]
    return finish(d, Task(module(d, "ViT", init, forward), "ViT()", (Feed("images", (channels, size, size)),), Goal("classes", (), 10)))


def causal(d: Draw) -> str:
    """A small GPT whose mask is a buffer."""
    words, count, each, length = d.one(24, 30), d.one(2, 4), d.one(4, 6), d.one(6, 8)
    width = count * each
    block = module(
        d,
        "Block",
        [
            "self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)",
            f"self.att = nn.MultiheadAttention(d, h, batch_first={d.slip('batch_first', True, False)})",
            f"self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear({d.slip('mlp', '4 * d', '2 * d', 'd')}, d))",
        ],
        [
            "h = self.ln1(x)",
            "a, _ = self.att(h, h, h, attn_mask=mask, need_weights=False)",
            "x = x + a",
            "return x + self.mlp(self.ln2(x))",
        ],
        args="d, h",
        takes="x, mask",
    )
    block_size = length + d.one(0, 2)
    init = [
        f"self.tok = nn.Embedding({words}, {width})",
        f"self.pos = nn.Embedding({d.slip('block_size', block_size, length - 2)}, {width})",
        f"self.blocks = nn.ModuleList([Block({width}, {d.slip('heads', count, count + 1, 5)}) for _ in range(2)])",
        f"self.register_buffer('mask', torch.triu(torch.ones({block_size}, {block_size}, dtype=torch.bool), 1))",
        f"self.ln = nn.LayerNorm({d.width('norm', width)})",
        f"self.head = nn.Linear({width}, {words}, bias=False)",
    ]
    mask = d.slip("mask", "self.mask[:t, :t]", "self.mask[:t, :t - 1]", "self.mask[:t]" if block_size != length else "self.mask[:1, :t]")
    forward = [
        "b, t = idx.shape",
        "x = self.tok(idx) + self.pos(torch.arange(t))",
        f"mask = {mask}",
        "for block in self.blocks:",
        "    x = block(x, mask)",
        "return self.head(self.ln(x))",
    ]
    code = block + "\n\n" + module(d, "GPT", init, forward, takes="idx")
    batch = d.number(2, 4)
    loss = d.slip(
        "loss",
        f"F.cross_entropy(logits.view(-1, {words}), y.reshape(-1))",
        "F.cross_entropy(logits, y)",
        f"F.cross_entropy(logits.view(-1, {words}), y.view(-1))",
        "F.cross_entropy(logits.mean(1), y)",
    )
    run = [
        "model = GPT()",
        "optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)",
        f"for step in range({d.number(1, 2)}):",
        f"    data = torch.randint(0, {words}, ({batch}, {length + 1}))",
        f"    x, y = data[:, :-1], data[:, {d.slip('shift', '1:', '2:', ':')}]",
        "    logits = model(x)",
        f"    loss = {loss}",
        "    optimizer.zero_grad()",
        "    loss.backward()",
        "    optimizer.step()",
    ]
    return d.head() + "\n\n" + code + "\n\n" + "\n".join(run) + "\n"


def cross(d: Draw) -> str:
    """`nn.MultiheadAttention` between two sequences of different widths."""
    width, other, one, two = d.one(8, 12), d.one(6, 10), d.one(4, 5), d.one(6, 7)
    widths = d.slip("kdim", f", kdim={other}, vdim={other}", "", f", kdim={other}")
    init = [
        f"self.att = nn.MultiheadAttention({width}, {d.slip('num_heads', 4, 5, 7)}{widths}, batch_first={d.slip('batch_first', True, False)})",
        f"self.norm = nn.LayerNorm({d.width('norm', width)})",
        f"self.fc = nn.Linear({width}, 3)",
    ]
    forward = [
        "out, weights = self.att(query, memory, memory)",
        f"x = self.norm({d.slip('residual', 'query + out', 'memory + out', 'query + weights')})",
        "return self.fc(x)",
    ]
    feeds = (Feed("query", (one, width)), Feed("memory", (two, other)))
    return finish(
        d, Task(module(d, "CrossAttention", init, forward, takes="query, memory"), "CrossAttention()", feeds, Goal("values", (one, 3)))
    )


def maps(d: Draw) -> str:
    """Self-attention over a feature map, as in SAGAN."""
    channels, size, ratio = d.one(8, 16), d.one(5, 6), d.one(2, 4)
    init = [
        f"self.query = nn.Conv2d({channels}, {channels // ratio}, 1)",
        f"self.key = nn.Conv2d({channels}, {d.width('key', channels // ratio)}, 1)",
        f"self.value = nn.Conv2d({d.width('value', channels)}, {channels}, 1)",
        "self.gamma = nn.Parameter(torch.zeros(1))",
    ]
    query = d.slip(
        "query",
        "q = self.query(x).view(b, -1, h * w).permute(0, 2, 1)",
        "q = self.query(x).view(b, -1, h * w)",
        "q = self.query(x).view(b, h * w, -1).permute(0, 2, 1)",
    )
    mix = d.slip("mix", "out = torch.bmm(v, att.permute(0, 2, 1))", "out = torch.bmm(att, v)", "out = torch.bmm(v, att)")
    forward = [
        "b, c, h, w = x.size()",
        query,
        "k = self.key(x).view(b, -1, h * w)",
        "att = torch.softmax(torch.bmm(q, k), dim=-1)",
        "v = self.value(x).view(b, -1, h * w)",
        mix,
        f"out = out.view({d.slip('view', 'b, c, h, w', 'b, c, h', 'b, h, w, c', 'c, b, h, w')})",
        "return self.gamma * out + x",
    ]
    return finish(
        d,
        Task(
            module(d, "SelfAttention2d", init, forward),
            "SelfAttention2d()",
            (Feed("x", (channels, size, size)),),
            Goal("values", (channels, size, size)),
        ),
    )


def sinusoid(d: Draw) -> str:
    """Sinusoidal positions in a buffer, a decoder beside an encoder."""
    words, width, one, two = d.one(20, 30), d.one(8, 16), d.one(5, 7), d.one(4, 6)
    positions = module(
        d,
        "PositionalEncoding",
        [
            "pe = torch.zeros(max_len, d_model)",
            "position = torch.arange(0, max_len, dtype=torch.float).unsqueeze(1)",
            f"div = torch.exp(torch.arange(0, d_model, {d.slip('step', 2, 1)}).float() * (-9.21 / d_model))",
            "pe[:, 0::2] = torch.sin(position * div)",
            f"pe[:, 1::2] = torch.cos({d.slip('cosine', 'position * div', 'position * div[:-1]')})",
            f"self.register_buffer('pe', pe.unsqueeze({d.slip('buffer', 0, 1)}))",
        ],
        [f"return x + {d.slip('cut', 'self.pe[:, :x.size(1)]', 'self.pe', 'self.pe[:x.size(1)]')}"],
        args=f"d_model, max_len={d.one(32, 50)}",
    )
    init = [
        f"self.src = nn.Embedding({words}, {width})",
        f"self.trg = nn.Embedding({words}, {d.width('target width', width)})",
        f"self.pos = PositionalEncoding({width})",
        f"self.transformer = nn.Transformer(d_model={width}, nhead={d.slip('nhead', 4, 3, 5)}, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16, batch_first={d.slip('batch_first', True, False)})",
        f"self.out = nn.Linear({width}, {words})",
    ]
    forward = [
        f"mask = nn.Transformer.generate_square_subsequent_mask({d.slip('mask', 'trg.size(1)', 'src.size(1)', 'trg.size(0)')})",
        "h = self.transformer(self.pos(self.src(src)), self.pos(self.trg(trg)), tgt_mask=mask)",
        "return self.out(h)",
    ]
    feeds = (Feed("src", (one,), words), Feed("trg", (two,), words))
    code = positions + "\n\n" + module(d, "Seq2SeqTransformer", init, forward, takes="src, trg")
    return finish(d, Task(code, "Seq2SeqTransformer()", feeds, Goal("classes", (two,), words), take="{}.transpose(1, 2)"))


FAMILY = (heads, heads, einsums, encoder, vision, causal, cross, maps, sinusoid)
