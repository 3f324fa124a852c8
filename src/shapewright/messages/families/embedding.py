"""Messages of embedding tables: an index that has no row, and tables of another shape than the layer wants."""

from __future__ import annotations

import re

from shapewright.messages.template import Cause, Found, Reading, Template, plain

_CALLED = re.compile(r"\bself\.([\w.]{1,80})\(")
_KINDS = (
    ("segments", re.compile(r"token_?type|segment", re.IGNORECASE)),
    ("positions", re.compile(r"posit|\bwpe\b|pos_?emb|pos_?enc|(?<![a-z])p(?:os|e)(?![a-z])", re.IGNORECASE)),
    ("tokens", re.compile(r"word|tok_?emb|token|\bwte\b|embed_tokens|vocab|src_emb|tgt_emb", re.IGNORECASE)),
)
_POSITIONS = {
    77: "the text encoder of CLIP",
    512: "BERT",
    514: "RoBERTa",
    1024: "GPT-2",
    2048: "many language models",
}
_VOCABULARIES = {
    21128: "Chinese BERT", 28996: "BERT cased", 30522: "BERT uncased", 32000: "Llama 2 and Mistral", 32128: "T5", 49408: "CLIP",
    50257: "GPT-2", 50265: "RoBERTa and BART", 119547: "multilingual BERT", 128256: "Llama 3", 151936: "Qwen 2", 250002: "XLM-RoBERTa",
}  # fmt: skip
_ADDED = 300  # so many tokens are added to a vocabulary at most, as a rule
_LOOK = "print the lowest and the highest index and the table in the line before: `print(ids.min(), ids.max(), emb.num_embeddings)`"

_TOKENIZER = Cause(
    "tokenizer-larger-than-table",
    "the tokenizer or vocabulary gives ids that the table has no row for: it belongs to another model, or tokens were added to it "
    "after the model was built",
    tries=(
        "build the table for the whole vocabulary, special tokens included: `nn.Embedding(len(vocab), dim)`",
        "Hugging Face: `model.resize_token_embeddings(len(tokenizer))` after adding tokens, and model and tokenizer from the same name",
    ),
)
_LONG = Cause(
    "sequence-longer-than-positions",
    "the sequence is longer than the table of positions: position n needs a row n",
    tries=(
        "cut them to the n positions of the table: `tokenizer(..., truncation=True, max_length=n)`, `x[:, :n]`; or build the table longer",
    ),
)
_SEGMENTS = Cause(
    "segment-ids",
    "`token_type_ids` hold other numbers than the table has rows (BERT has 2: 0 and 1, RoBERTa 1: only 0)",
    tries=("leave `token_type_ids` out, or make them with the tokenizer of this very model",),
)
_FROM_ONE = Cause(
    "ids-from-one",
    "the ids count from 1: the highest is then the number of rows, and the last row is one less",
    tries=("number from 0: `ids - 1`, or give the table one row more: `nn.Embedding(n + 1, dim)`",),
)
_NEGATIVE = Cause(
    "negative-id",
    "a negative number is among the ids: a padding of -1, or labels with the ignored value -100 in the place of the ids",
    tries=("pad with an id that has a row (often 0, with `padding_idx=0`), and look whether ids and labels are swapped",),
)
_RAW = Cause(
    "raw-ids",
    "the ids are those of the data (user numbers, hashes, category codes), not numbered from 0 without gaps",
    tries=("number them: `rows = {value: i for i, value in enumerate(sorted(set(values)))}`, and `nn.Embedding(len(rows), dim)`",),
)


def _kind(found: Found) -> str:
    """Which table it is, by the names in the traceback, the innermost first: `tokens`, `positions`, `segments` or ""."""
    context = found.context
    for text in (*reversed(context.frames.splitlines()), context.line, f"self.{context.layer}("):
        for name in reversed(_CALLED.findall(text)):
            for kind, pattern in _KINDS:
                if pattern.search(name):
                    return kind
    if "arange(" in context.line:  # positions are counted
        return "positions"
    return ""


def missing_row(found: Found, got: int | None = None, rows: int | None = None) -> Reading:
    """An index without a row. Most wordings name neither the index nor the rows; then the names in the traceback order the causes."""
    kind = _kind(found)
    if rows is not None and got is not None:
        headline = f"{_table(found)} has {rows} row{'' if rows == 1 else 's'}, 0 … {rows - 1}, but is asked for row {got}"
        return Reading(
            "embedding-dim", headline, f"index {got}, rows {rows}", {"got": got, "want": rows}, _numbered(got, rows, kind), (_LOOK,)
        )
    what = {"positions": ", the one of positions,", "segments": ", the one of token types,"}.get(kind, "")
    headline = f"{_table(found)}{what} is asked for a row that it does not have"
    certain = (
        "an index is negative, or at least as large as the table has rows; this wording names neither"
        if got is None
        else f"the index is {got}; this wording does not name the number of rows"
    )
    facts: dict[str, object] = {name: value for name, value in (("table", kind), ("got", got)) if value not in ("", None)}
    if got is not None and got < 0:
        return Reading("embedding-dim", headline, certain, facts, _numbered(got, 0, kind), (_LOOK,))
    literal = re.search(r"tensor\(\[[\d\[\], -]*?-\d", found.context.line)
    if literal:
        return Reading("embedding-dim", headline, certain, facts, _first_likely((_NEGATIVE,)), (_LOOK,))
    order = {
        "positions": (_LONG, _NEGATIVE),
        "segments": (_SEGMENTS, _NEGATIVE),
        "tokens": (_TOKENIZER, _FROM_ONE, _NEGATIVE, _RAW),
    }.get(kind, (_TOKENIZER, _FROM_ONE, _LONG, _NEGATIVE))
    return Reading("embedding-dim", headline, certain, facts, _first_likely(order), (_LOOK,))


def _table(found: Found) -> str:
    return found.layer if found.context.layer else "the embedding table"


def _first_likely(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    first = causes[0]
    return (Cause(first.name, first.why, likely=True, facts=first.facts, tries=first.tries, guess=first.guess), *causes[1:])


def _numbered(got: int, rows: int, kind: str) -> tuple[Cause, ...]:
    if got < 0:
        why = (
            "-100 marks labels that a loss leaves out: labels are in the place of the ids"
            if got == -100
            else f"{got} is negative: a padding or an `unknown` of {got} that no row stands for"
        )
        return (Cause(_NEGATIVE.name, why, likely=True, facts={"got": got}, tries=_NEGATIVE.tries),)
    found: list[Cause] = []
    if kind == "positions" or (kind == "" and rows in _POSITIONS):
        why = f"a sequence of at least {got + 1} steps meets a table of {rows} positions"
        tries = (f"cut the sequences to {rows}: `tokenizer(..., truncation=True, max_length={rows})` or `x[:, :{rows}]`",)
        guess = f"medium confidence, {rows} positions are those of {_POSITIONS[rows]}" if rows in _POSITIONS else ""
        found.append(Cause(_LONG.name, why, likely=True, facts={"steps": got + 1, "positions": rows}, tries=tries, guess=guess))
    if kind == "segments":
        found.append(Cause(_SEGMENTS.name, _SEGMENTS.why, likely=True, tries=_SEGMENTS.tries))
    if kind in ("", "tokens"):
        found.append(_short(got, rows) if got == rows else _beyond(got, rows))
    if kind == "" and rows <= 2:
        found.append(_SEGMENTS)
    if kind in ("", "tokens") and got - rows > _ADDED:
        found.append(_RAW)
    return tuple(found)


def _vocabulary(rows: int) -> str:
    return f"high confidence, {rows} is the vocabulary of {_VOCABULARIES[rows]}" if rows in _VOCABULARIES else ""


def _short(got: int, rows: int) -> Cause:
    why = (
        f"the index is the number of rows itself, {rows}: ids that count from 1, or one token (padding, unknown) that was added "
        "after the table was built"
    )
    tries = (
        f"one row more, if the id is meant: `nn.Embedding({rows + 1}, dim)`, with Hugging Face "
        "`model.resize_token_embeddings(len(tokenizer))`",
        "or number from 0: `ids - 1`",
    )
    return Cause("one-row-short", why, likely=True, facts={"got": got, "rows": rows}, tries=tries, guess=_vocabulary(rows))


def _beyond(got: int, rows: int) -> Cause:
    facts = {"rows": rows, "needed": got + 1}
    if got - rows <= _ADDED:
        why = f"the index is {got - rows + 1} beyond the last row, {rows - 1}: tokens were added after the table was built"
        return Cause("added-tokens", why, likely=True, facts=facts, tries=_TOKENIZER.tries, guess=_vocabulary(rows))
    why = f"ids up to at least {got} need {got + 1} rows, the table has {rows}: the vocabulary is that of another model or data set"
    return Cause(_TOKENIZER.name, why, likely=True, facts=facts, tries=_TOKENIZER.tries, guess=_vocabulary(rows))


def _no_row(found: Found) -> Reading:
    """`index out of range in self`: an embedding on the CPU, and with the same words `index_select` and `index_add`."""
    match = re.search(r"\b(index_select|index_add)_?\(", found.context.line)
    if match is None:
        return missing_row(found)
    cause = Cause(
        "index-too-large",
        "the highest index must be the size of that dim less one, the lowest 0; negative ones do not count from the end here",
        likely=True,
    )
    headline = f"`{match[1]}` asks for an index that the dim does not have"
    return Reading(
        "other-shape-error", headline, "", {}, (cause,), ("print `index.min()`, `index.max()` and `x.shape` in the line before",)
    )


def _old(found: Found) -> Reading:
    """torch 1.2 to 1.4 name the index and, as "rows", the number of the last row."""
    if found.known("got", "last"):
        return missing_row(found, found.number("got"), found.number("last") + 1)
    return missing_row(found)


def _bag(found: Found) -> Reading:
    return missing_row(found, *(found.number(name) if found.known(name) else None for name in ("got", "want")))


def _dtype(found: Found) -> Reading:
    got = str(found.values.get("got", ""))
    floats = re.search(r"float|half|double", got, re.IGNORECASE)
    why = (
        "the ids became floating-point numbers: a `.float()` or a transform over the whole batch, a column of a table with gaps, "
        "or values that belong into a linear layer"
        if floats
        else "the ids are of a kind that cannot number rows"
    )
    cause = Cause("ids-of-another-dtype", why, likely=True, tries=("turn the ids into integers at the call: `emb(ids.long())`",))
    already = Cause(
        "already-embedded",
        "what comes are vectors that an embedding has made already",
        tries=("leave the second embedding out, or pass `inputs_embeds=`",),
    )
    named = f", not {got}" if got else ""
    headline = f"{_table(found)} takes whole numbers (int64 or int32){named}: it is the dtype that is wrong, not a size"
    return Reading("other-shape-error", headline, "", dict(found.values), (cause, already) if floats else (cause,))


_N = r"-?\d{1,15}"
_SHAPE = r"(?:torch\.Size\()?[\[(]{0,2}"
TEMPLATES = (
    Template("emb-oob", ("index out of range in self",), r"index out of range in self", _no_row),
    Template(
        "emb-oob-old",
        ("out of table with", "index out of range at "),
        rf"index out of range: Tried to access index (?P<got>{_N}) out of table with (?P<last>{_N}) rows|index out of range at "
        rf"\S{{1,200}}TH\w",
        _old,
        cut=rf"Tried to access index (?P<got>{_N}) out of table with",
    ),
    Template(
        "emb-bag-oob",
        ("which is not in the valid range [",),
        rf"Index {_N} of input takes value (?P<got>{_N}) which is not in the valid range \[0, (?P<want>{_N})\)",
        _bag,
    ),
    Template(
        "emb-bag-oob-max",
        ("but found idx to be",),
        rf"embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be (?P<got>{_N})",
        _bag,
    ),
    Template(
        "emb-dtype",
        ("'indices' to have", "expected indices to be long or int"),
        r"(?:Expected tensor for argument #\d 'indices' to have (?:one of the following scalar types: |scalar type "
        r")(?P<want>[A-Z][\w, ]{2,40}); but got"
        r"|expected indices to be long or int, got) (?P<got>[\w.]{3,60})",
        _dtype,
    ),
    Template(
        "emb-weight-rank",
        ("'weight' must be ",),
        r"'weight' must be 2-D(?:, got (?P<rank>\d{1,2})-D)?",
        plain(
            "embedding-dim",
            (
                "the embedding's weight must be a table [rows, width] but has {rank} dims",
                "the embedding's weight must be a table [rows, width]",
            ),
            (
                "sharded-weight",
                "the weight is flattened or handed out to several processes (FSDP, ZeRO-3) and used outside the model's own forward",
            ),
            (
                "weight-reshaped",
                "the weight was replaced by a tensor of another number of dims, or weight and indices are swapped: "
                "`F.embedding(indices, weight)`",
            ),
            tries=(
                "print `emb.weight.shape`: it must be [num_embeddings, embedding_dim]",
                "with DeepSpeed: `with deepspeed.zero.GatheredParameters(emb.weight):`",
            ),
        ),
    ),
    Template(
        "emb-pretrained-rank",
        ("embeddings parameter is expected to be",),
        r"Embeddings parameter is expected to be 2-dimensional",
        plain(
            "embedding-dim",
            "`from_pretrained` takes a table [rows, width]; the tensor has another number of dims",
            ("single-vector", "a single vector was given, or the vectors of all words joined to one long row"),
            tries=("stack the vectors, one row for each word: `torch.stack(vectors)`, and look at `.shape`",),
        ),
    ),
    Template(
        "emb-weight-shape",
        ("does not match num_embeddings and embedding_dim",),
        r"Shape of weight does not match num_embeddings and embedding_dim",
        plain(
            "embedding-dim",
            "the weight that is given does not have the rows and the width that the embedding is built for",
            ("other-vocabulary", "num_embeddings or embedding_dim were written for other vectors than those that are loaded"),
            tries=("take both from the weight: `nn.Embedding(*weight.shape, _weight=weight)`, or `nn.Embedding.from_pretrained(weight)`",),
        ),
    ),
    Template(
        "emb-padding-idx",
        ("padding_idx must be within num_embeddings",),
        r"Padding_idx must be within num_embeddings",
        plain(
            "embedding-dim",
            "`padding_idx` is a row that the embedding does not have",
            (
                "padding-row-not-counted",
                "the padding token is not counted in num_embeddings: its id is the number of words, one beyond the last row",
            ),
            tries=("count it in: `nn.Embedding(len(vocab) + 1, dim, padding_idx=len(vocab))`, or pad with 0 and number the words from 1",),
        ),
    ),
    Template(
        "emb-bag-offsets",
        ("offsets has to be a", "then offsets has to be none"),
        r"offsets has to be a 1D Tensor(?: but got None)?|if input is 2D, then offsets has to be None",
        plain(
            "embedding-dim",
            "`EmbeddingBag` takes bags of one length [N, L] without offsets, or all bags in one row [L] with a list of offsets",
            ("bags-of-equal-length", "the input and the offsets do not go together: two dims need none, one dim needs them"),
            tries=(
                "for bags of one length: `bag(ids)` with ids [N, L]",
                "for bags of several lengths: `bag(torch.cat(bags), offsets)`, where `offsets` holds the start of each bag, from 0",
            ),
        ),
    ),
    Template(
        "emb-bag-rank",
        ("input has to be 1d or 2d tensor, but got tensor of dimension",),
        r"input has to be 1D or 2D Tensor, but got Tensor of dimension (?P<rank>\d{1,2})",
        plain(
            "embedding-dim",
            "`EmbeddingBag` takes ids with 1 or 2 dims but receives {rank}",
            ("dim-too-many", "the ids have {rank} dims: a bag is one row of ids [N, L]"),
            tries=("put the first dims together: `ids.flatten(0, -2)`, or drop a dim of size 1 with `squeeze(dim)`",),
        ),
    ),
    Template(
        "emb-bag-offset-range",
        ("offsets[",),
        rf"offsets\[0\] has to be 0, .{{0,120}}?However, got (?P<first>{_N})|offsets\[-1\] can ?not be greater than input's length "
        rf"(?P<want>{_N}) but got offsets\[-1\] of (?P<got>{_N})",
        plain(
            "embedding-dim",
            (
                "the last offset of the bags is {got}, but there are only {want} ids",
                "the first offset of the bags is {first}; it must be 0",
                "the offsets of the bags do not fit the ids",
            ),
            (
                "lengths-for-offsets",
                "offsets are the places where the bags begin, not their lengths: 0, then the lengths added up, without the last",
            ),
            tries=("`offsets = torch.tensor([0, *lengths[:-1]]).cumsum(0)`",),
        ),
    ),
    Template(
        "emb-bag-weights",
        ("embedding_bag: if per_sample_weights",),
        rf"embedding_bag: If per_sample_weights \({_SHAPE}(?P<got_shape>[\d, ]{{0,100}})[\])]{{0,3}} is not None, then it must have "
        rf"the same shape as the input "
        rf"\({_SHAPE}(?P<want_shape>[\d, ]{{0,100}})[\])]{{0,3}}",
        plain(
            "embedding-dim",
            "`EmbeddingBag` takes one weight for each id {want_shape}; the weights are {got_shape}",
            ("weights-per-bag", "the weights were made for the bags, or for another batch, not for each id"),
            tries=("give `per_sample_weights` the shape of the ids, `torch.ones_like(ids, dtype=torch.float)` to begin with",),
        ),
    ),
)
