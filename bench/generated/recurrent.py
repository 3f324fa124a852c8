"""LSTM and GRU models: classifiers, forecasts, language models, taggers, encoders with decoders, cells, CTC."""

# ruff: noqa: E501 (a line of a program stays one line)
from __future__ import annotations

from bench.generated.draw import Draw, module
from bench.generated.scripts import Feed, Goal, Task, finish


def classifier(d: Draw) -> str:
    """The last step (or the last hidden state) of an LSTM or a GRU decides."""
    kind, features, hidden, length = d.one("LSTM", "GRU", "RNN"), d.one(3, 6, 8), d.one(8, 12, 16), d.one(5, 9, 12)
    layers, both = d.number(1, 2), d.chance(0.3)
    classes, width = d.one(2, 5), hidden * (2 if both else 1)
    first = d.slip("batch_first", ", batch_first=True", "")
    init = [
        f"self.rnn = nn.{kind}({d.width('input_size', features)}, {hidden}, num_layers={layers}{first}{', bidirectional=True' if both else ''})",
        f"self.fc = nn.Linear({d.slip('fc', width, hidden * 3, features, width // 2 if both else width * 2)}, {classes})",
    ]
    state = d.chance(0.35)
    forward = []
    if state:
        count = f"{layers * 2}" if both else f"{layers}"
        shape = d.slip(
            "hidden state",
            f"{count}, x.size(0), {hidden}",
            f"{count}, x.size(1), {hidden}",
            f"x.size(0), {count}, {hidden}",
            f"{count + '0'}, x.size(0), {hidden}",
            f"{count}, {hidden}",
        )
        forward.append(f"h0 = torch.zeros({shape})")
        if kind == "LSTM":
            forward.append(f"c0 = {d.slip('cell state', 'torch.zeros_like(h0)', f'torch.zeros({count}, x.size(0), {hidden + 1})')}")
        out = f"self.rnn(x, {d.slip('state', '(h0, c0)', 'h0') if kind == 'LSTM' else 'h0'})"
    else:
        out = "self.rnn(x)"
    forward.append(f"{d.slip('pair', 'out, _', 'out')} = {out}")
    forward.append(
        f"return self.fc({d.slip('last step', 'out[:, -1, :]', 'out[-1]', 'out', 'out[:, :, -1]', 'out[:, -1, :].squeeze(0).unsqueeze(1)')})"
    )
    code = module(d, f"{kind}Classifier", init, forward)
    return finish(d, Task(code, f"{kind}Classifier()", (Feed("x", (length, features)),), Goal("classes", (), classes)))


def forecast(d: Draw) -> str:
    """Windows over a series, made by hand, and a network that guesses the next value."""
    window, hidden, number = d.one(6, 8, 10), d.one(8, 12), d.one(40, 50)
    size = d.one(8, 16)
    init = [
        f"self.lstm = nn.LSTM({d.slip('input_size', 1, window)}, {hidden}, batch_first=True)",
        f"self.linear = nn.Linear({d.width('linear', hidden)}, 1)",
    ]
    forward = ["out, (h, c) = self.lstm(x)", f"return self.linear({d.one('h[-1]', 'out[:, -1]')})"]
    unsqueeze = d.slip("unsqueeze", "xs = xs.unsqueeze(-1)", "pass", "xs = xs.unsqueeze(1)")
    targets = d.slip("targets", "ys = ys.unsqueeze(1)", "pass", "ys = ys.unsqueeze(0)")
    code = [
        "def windows(series, size):",
        "    xs, ys = [], []",
        "    for i in range(len(series) - size):",
        "        xs.append(series[i:i + size])",
        f"        ys.append(series[{d.slip('target index', 'i + size', 'i + size + 1')}])",
        f"    return torch.{d.slip('stack', 'stack', 'cat')}(xs), torch.stack(ys)",
        "",
        "",
        f"series = torch.sin(torch.linspace(0, 20, {number}))",
        f"xs, ys = windows(series, {window})",
        unsqueeze,
        targets,
        "model = Forecaster()",
        "optimizer = torch.optim.Adam(model.parameters(), lr=0.01)",
        f"for epoch in range({d.number(1, 3)}):",
        f"    for start in range(0, len(xs), {size}):",
        f"        batch, wanted = xs[start:start + {size}], ys[start:start + {d.slip('slice', size, size - 1)}]",
        "        optimizer.zero_grad()",
        f"        loss = F.mse_loss(model(batch){d.slip('squeeze', '', '.squeeze()')}, wanted)",
        "        loss.backward()",
        "        optimizer.step()",
        "    print(epoch, loss.item())",
    ]
    return d.head() + "\n\n" + module(d, "Forecaster", init, forward) + "\n\n" + "\n".join(code) + "\n"


def language(d: Draw) -> str:
    """A language model: all steps are guessed at once."""
    words, width, hidden, length, batch = d.one(20, 33), d.one(8, 12), d.one(12, 16), d.one(6, 9), d.number(2, 5)
    kind = d.one("LSTM", "GRU")
    init = [
        f"self.embed = nn.Embedding({words}, {width})",
        f"self.rnn = nn.{kind}({d.width('rnn', width)}, {hidden}, batch_first=True)",
        f"self.out = nn.Linear({d.width('out', hidden)}, {words})",
    ]
    forward = ["e = self.embed(x)", "h, hidden = self.rnn(e, hidden)", "return self.out(h), hidden"]
    loss = d.slip(
        "loss",
        d.one(
            f"F.cross_entropy(logits.view(-1, {words}), y.view(-1))",
            "F.cross_entropy(logits.transpose(1, 2), y)",
            "F.cross_entropy(logits.flatten(0, 1), y.flatten())",
        ),
        "F.cross_entropy(logits, y)",
        f"F.cross_entropy(logits.view(-1, {words}), y)",
        "F.cross_entropy(logits[:, -1], y)",
        f"F.cross_entropy(logits.view(-1, {words + 1}), y.view(-1))",
    )
    shift = d.slip("shift", "x, y = data[:, :-1], data[:, 1:]", "x, y = data[:, :-1], data[:, 2:]", "x, y = data[:-1], data[1:]")
    contiguous = "\ny = y.contiguous()" if d.slip("contiguous", True, False) else ""
    detach = "(h.detach(), c.detach())" if kind == "LSTM" else "hidden.detach()"
    code = [
        f"data = torch.randint(0, {d.slip('vocabulary', words, words + 20)}, ({batch}, {length + 1}))",
        "model = CharModel()",
        "optimizer = torch.optim.Adam(model.parameters())",
        "hidden = None",
        f"for step in range({d.number(1, 3)}):",
        f"    {shift}" + contiguous.replace("\n", "\n    "),
        "    logits, hidden = model(x, hidden)",
        *(["    h, c = hidden"] if kind == "LSTM" else []),
        f"    hidden = {detach}",
        f"    loss = {loss}",
        "    optimizer.zero_grad()",
        "    loss.backward()",
        "    optimizer.step()",
    ]
    if d.chance(0.4):
        code += [
            "# sample a few characters",
            f"token, hidden = {d.slip('start', 'torch.zeros(1, 1, dtype=torch.long)', 'torch.zeros(1, 1)', 'torch.zeros(1, dtype=torch.long)')}, None",
            "for _ in range(5):",
            "    logits, hidden = model(token, hidden)",
            f"    token = {d.slip('next token', 'logits[:, -1].argmax(dim=-1, keepdim=True)', 'logits[:, -1].argmax(dim=-1)', 'logits.argmax(dim=-1).unsqueeze(0)')}",
        ]
    return d.head() + "\n\n" + module(d, "CharModel", init, forward, takes="x, hidden=None") + "\n\n" + "\n".join(code) + "\n"


def tagger(d: Draw) -> str:
    """Packed sequences of different lengths, both directions, a tag for each word."""
    words, width, hidden, tags, batch = 40, d.one(6, 8), d.one(8, 10), d.one(4, 5), d.number(3, 4)
    lengths = sorted((d.number(2, 7) for _ in range(batch)), reverse=True)
    longest = lengths[0]
    init = [
        f"self.embedding = nn.Embedding({words}, {width}, padding_idx=0)",
        f"self.lstm = nn.LSTM({width}, {hidden}, batch_first=True, bidirectional=True)",
        f"self.fc = nn.Linear({d.slip('fc', f'{hidden} * 2', f'{hidden}', f'{hidden} * 4')}, {tags})",
    ]
    forward = [
        "emb = self.embedding(tokens)",
        f"packed = pack_padded_sequence(emb, {d.slip('lengths', 'lengths', 'lengths[:-1]')}, batch_first={d.slip('packed', True, False)}, enforce_sorted=False)",
        "out, _ = self.lstm(packed)",
        f"out, _ = {d.slip('unpack', 'pad_packed_sequence(out, batch_first=True)', 'pad_packed_sequence(out)', 'out, None')}",
        "return self.fc(out)",
    ]
    loss = d.slip(
        "loss",
        f"criterion(scores.view(-1, {tags}), labels.view(-1))",
        "criterion(scores, labels)",
        f"criterion(scores.view(-1, {tags}), labels)",
        "criterion(scores.permute(0, 2, 1), labels[:, :-1])",
    )
    code = [
        f"lengths = torch.tensor({lengths})",
        f"sequences = [torch.randint(1, {words}, (n,)) for n in lengths.tolist()]",
        f"tokens = pad_sequence(sequences, batch_first={d.slip('pad', True, False)})",
        f"labels = torch.randint(0, {tags}, ({batch}, {d.slip('labels', longest, longest + 1)}))",
        "model = Tagger()",
        f"criterion = nn.CrossEntropyLoss({d.one('', 'ignore_index=0')})",
        "scores = model(tokens, lengths)",
        f"loss = {loss}",
        "loss.backward()",
        "print(loss.item())",
    ]
    head = d.head().replace(
        "\ntorch.manual", "from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence\n\ntorch.manual", 1
    )
    return head + "\n\n" + module(d, "Tagger", init, forward, takes="tokens, lengths") + "\n\n" + "\n".join(code) + "\n"


def translate(d: Draw) -> str:
    """An encoder, a decoder that attends to it, one step after the other."""
    source, wanted, width, hidden = d.one(20, 30), d.one(18, 25), d.one(6, 8), d.one(10, 12)
    batch, one, two = d.number(2, 4), d.number(4, 7), d.number(3, 6)
    encoder = module(
        d,
        "Encoder",
        [
            f"self.embedding = nn.Embedding({source}, {width})",
            f"self.gru = nn.GRU({d.width('encoder', width)}, {hidden}, batch_first=True)",
        ],
        ["return self.gru(self.embedding(x))"],
    )
    query = d.slip("query", "hidden[-1].unsqueeze(2)", "hidden[-1]", "hidden.unsqueeze(2)", "hidden[-1].unsqueeze(1)")
    context = d.slip(
        "context",
        "torch.bmm(weights.unsqueeze(1), encoded)",
        "torch.bmm(weights, encoded)",
        "torch.bmm(encoded, weights.unsqueeze(1))",
        "(weights.unsqueeze(2) * encoded).sum(1)",
    )
    decoder = module(
        d,
        "AttnDecoder",
        [
            f"self.embedding = nn.Embedding({wanted}, {width})",
            f"self.gru = nn.GRU({d.slip('decoder', f'{width} + {hidden}', f'{width}', f'{hidden}')}, {hidden}, batch_first=True)",
            f"self.out = nn.Linear({d.slip('out', hidden, hidden * 2, width)}, {wanted})",
        ],
        [
            f"scores = torch.bmm(encoded, {query}).squeeze(2)",
            f"weights = F.softmax(scores, dim={d.slip('softmax dim', 1, 0)})",
            f"context = {context}",
            f"step = torch.cat([self.embedding(token), context], dim={d.slip('cat dim', 2, 1, 0)})",
            "output, hidden = self.gru(step, hidden)",
            "return self.out(output.squeeze(1)), hidden",
        ],
        takes="token, hidden, encoded",
    )
    code = [
        f"src = torch.randint(0, {source}, ({batch}, {one}))",
        f"trg = torch.randint(0, {wanted}, ({d.slip('target batch', batch, batch + 1)}, {two}))",
        "encoder, decoder = Encoder(), AttnDecoder()",
        "params = list(encoder.parameters()) + list(decoder.parameters())",
        "optimizer = torch.optim.Adam(params, lr=1e-3)",
        "encoded, hidden = encoder(src)",
        "loss = 0",
        f"for t in range({two} - 1):",
        f"    token = {d.slip('token', 'trg[:, t].unsqueeze(1)', 'trg[:, t]', 'trg[t].unsqueeze(1)')}",
        "    output, hidden = decoder(token, hidden, encoded)",
        f"    loss = loss + F.cross_entropy(output, {d.slip('wanted', 'trg[:, t + 1]', 'trg[:, t + 1:]', 'trg[t + 1]')})",
        "optimizer.zero_grad()",
        "loss.backward()",
        "optimizer.step()",
    ]
    return d.head() + "\n\n" + "\n\n".join([encoder, decoder]) + "\n\n" + "\n".join(code) + "\n"


def cells(d: Draw) -> str:
    """A cell that is called step by step; the outputs are stacked."""
    features, hidden, length = d.one(2, 4), d.one(6, 8), d.one(5, 7)
    kind = d.one("LSTMCell", "GRUCell")
    init = [
        f"self.hidden = {hidden}",
        f"self.cell = nn.{kind}({d.width('cell', features)}, {d.slip('cell width', 'self.hidden', hidden * 2)})",
        f"self.proj = nn.Linear({hidden}, {features})",
    ]
    step = d.slip("step", "x[:, t]", "x[t]", "x[:, :, t]", "x[:, t:t + 1]")
    call = [f"    h, c = self.cell({step}, (h, c))"] if kind == "LSTMCell" else [f"    h = self.cell({step}, h)"]
    forward = [
        f"h = torch.zeros({d.slip('state', 'x.size(0)', 'x.size(1)', '1')}, self.hidden)",
        *(["c = torch.zeros_like(h)"] if kind == "LSTMCell" else []),
        "outputs = []",
        "for t in range(x.size(1)):",
        *call,
        "    outputs.append(self.proj(h))",
        f"return torch.{d.slip('join', 'stack(outputs, dim=1)', 'stack(outputs)', 'cat(outputs, dim=1)', 'cat(outputs)')}",
    ]
    return finish(
        d, Task(module(d, "StepModel", init, forward), "StepModel()", (Feed("x", (length, features)),), Goal("values", (length, features)))
    )


def speech(d: Draw) -> str:
    """A convolution over spectra, a GRU, CTC."""
    bands, frames, hidden, letters, batch = d.one(12, 20), d.one(24, 30), d.one(8, 12), d.one(10, 28), d.number(2, 3)
    left = (frames + 1) // 2
    init = [
        f"self.conv = nn.Conv1d({d.width('conv', bands)}, {hidden}, 3, stride=2, padding=1)",
        f"self.gru = nn.GRU({d.width('gru', hidden)}, {hidden}, batch_first=True, bidirectional=True)",
        f"self.fc = nn.Linear({d.slip('fc', 2 * hidden, hidden)}, {letters + 1})",
    ]
    turn = d.slip("transpose", "x = x.transpose(1, 2)", "pass", "x = x.transpose(0, 1)")
    forward = ["x = F.relu(self.conv(x))", turn, "x, _ = self.gru(x)", "return F.log_softmax(self.fc(x), dim=-1)"]
    code = [
        "model = SpeechModel()",
        f"spectra = torch.randn({batch}, {d.slip('spectra', f'{bands}, {frames}', f'{frames}, {bands}')})",
        f"log_probs = model(spectra){d.slip('time first', '.transpose(0, 1)', '', '.permute(2, 0, 1)')}",
        f"targets = torch.randint(1, {letters + 1}, ({d.slip('targets', batch, batch + 1)}, 6))",
        f"input_lengths = torch.full(({d.slip('input lengths', batch, batch + 1)},), {d.slip('longest', left, left + 5)}, dtype=torch.long)",
        f"target_lengths = torch.randint(2, 6, ({batch},))",
        f"loss = nn.CTCLoss(blank={d.slip('blank', 0, letters + 1)})(log_probs, targets, input_lengths, target_lengths)",
        "loss.backward()",
        "print(loss.item())",
    ]
    return d.head() + "\n\n" + module(d, "SpeechModel", init, forward) + "\n\n" + "\n".join(code) + "\n"


def convlstm(d: Draw) -> str:
    """Each frame through a CNN, the frames through an LSTM."""
    frames, size, hidden = d.one(4, 5), d.one(8, 12), d.one(8, 12)
    features = 4 * (size // 4) ** 2
    init = [
        "self.cnn = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, stride=2, padding=1), nn.ReLU())",
        f"self.lstm = nn.LSTM({d.width('lstm', features)}, {hidden}, batch_first=True)",
        f"self.fc = nn.Linear({hidden}, 3)",
    ]
    join = d.slip("join", "x = x.view(b * t, c, h, w)", "pass", "x = x.view(b, t * c, h, w)")
    split = d.slip(
        "split",
        d.one("x = x.view(b, t, -1)", "x = x.reshape(b, t, -1)"),
        "x = x.view(b, -1)",
        "x = x.view(b, t, c, -1)",
        "x = x.view(t, b, -1)",
        f"x = x.view(b, t, {features + 2})",
    )
    forward = ["b, t, c, h, w = x.shape", join, "x = self.cnn(x)", split, "out, _ = self.lstm(x)", "return self.fc(out[:, -1])"]
    return finish(
        d, Task(module(d, "CnnLstm", init, forward), "CnnLstm()", (Feed("clips", (frames, 1, size, size)),), Goal("classes", (), 3))
    )


FAMILY = (classifier, classifier, classifier, forecast, language, tagger, translate, cells, speech, convlstm)
