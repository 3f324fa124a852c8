"""What a program's own words say that it is for: classes, docstrings, and the variables of models and their results. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from shapewright.model import ModuleInfo, Span, Trace
from shapewright.reason.places import parsed, span_of
from shapewright.source import contains

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ENCODERS = {"ae", "cae", "dae", "sae", "cvae", "dcae"}  # a masked one (mae) gives patches of the image
_RESULTS = {"recon", "recons", "reconstruction", "reconstructions", "reconstructed"}
# What stands behind a code and gives something else than the input: `AEClassifier`, `self.head`.
_HEADS = {
    "classifier", "classify", "classification", "class", "cls", "head", "regressor", "regression", "predictor", "predict", "detector",
    "score", "scorer", "logits", "forecaster", "clustering", "cluster", "projector", "projection", "latent", "policy", "value", "segmenter",
}  # fmt: skip
# What else an encoder with a decoder is built for: there other channels, or another size, may well be meant.
_OTHERWISE = re.compile(
    r"segment|mask|salien|heat_?map|key_?point|landmark|optical|edge_?map|sketch|depth.?(map|image|estimat|predict|net)|to_?depth"
    r"|colou?ri[sz]|gr[ae]y_?(img|image|input|to)|to_?gr[ae]y|style.?(trans|gan)|styli[sz]|bayer|demosaic|inpaint|burst|patch"
    r"|super.?res|\bsr_?|upscal|(low|high)_?res|n(um)?_?class|translat|(multi|cross).?modal|condition(al|ed)"
    r"|forecast|next_?frame|(?<!__)future|\bmri\b|k_?space|sinogram|tomograph|hologra|under_?sampl|\bfft|\bradon|measurement|acquisition"
    r"|log_?var_x|x_log_?var|parameters of the",
    re.IGNORECASE,
)


def words(name: str) -> list[str]:
    """`ConvAutoEncoder` → conv, auto, encoder; `recon_x` → recon, x."""
    return [word.lower() for word in _WORDS.findall(name)]


def names_autoencoder(name: str) -> bool:
    """Whether a name is that of an autoencoder as a whole, and not of one of its two parts."""
    plain = name.lower().replace("_", "").replace("-", "").replace(" ", "")
    rest = plain.replace("autoencoder", "").replace("autoencod", "")
    if "mask" in plain or "mae" in words(name) or names_head(words(name)) or "encoder" in rest or "decoder" in rest:
        return False
    return "autoencod" in plain or any(word in _ENCODERS or word.endswith("vae") for word in words(name))


def names_head(found: Iterable[str]) -> bool:
    """Whether one of the words is that of a part, or of a model, that answers a question about its input."""
    return not _HEADS.isdisjoint(found)


def names_reconstruction(name: str) -> bool:
    """`recon`, `x_hat`, `reconstructed_images`."""
    found = words(name)
    return bool(_RESULTS & set(found)) or "".join(found) in ("xhat", "xrec", "xprime", "imghat")


def says_otherwise(text: str) -> bool:
    """Whether a source mentions a task in which other channels or sizes than the input's are what is wanted."""
    return _OTHERWISE.search(text) is not None


def variables(trace: Trace, span: Span | None) -> tuple[str, ...]:
    """The names that are assigned by the statement in which an expression stands."""
    if span is None:
        return ()
    text = trace.sources.get(span.file, "")
    lines = text.split("\n")
    for node in ast.walk(parsed(text)):
        around = isinstance(node, ast.Assign) and node.lineno <= span.line <= (node.end_lineno or 0)
        if isinstance(node, ast.Assign) and around and contains(span_of(node.value, span.file, lines), span):
            return tuple(name for target in node.targets for name in _names(target))
    return ()


def _names(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def callee(trace: Trace, span: Span | None) -> str:
    """The last name of what is called: `decoder` of `self.decoder(z)`."""
    text = trace.sources.get(span.file, "") if span is not None else ""
    for node in ast.walk(parsed(text)):
        if (
            span is not None
            and isinstance(node, ast.Call)
            and node.lineno == span.line
            and span_of(node, span.file, text.split("\n")) == span
        ):
            return ast.unparse(node.func).rpartition(".")[2]
    return ""


def of_model(trace: Trace, module: ModuleInfo, call: Span | None) -> tuple[str, ...]:
    """What a model is called: its class where that is the user's, and the variables that it was put in or is called by."""
    built = next((names for span in (module.built, *module.built_stack) if (names := variables(trace, span))), ())
    return (*(() if module.library else (module.type,)), *built, callee(trace, call))


def docstring(trace: Trace, module: ModuleInfo) -> str:
    """What the user wrote at the head of the model's class."""
    for text in trace.sources.values():
        for node in ast.walk(parsed(text)):
            if isinstance(node, ast.ClassDef) and node.name == module.type and not module.library:
                return ast.get_docstring(node) or ""
    return ""


def headings(trace: Trace, span: Span | None) -> tuple[str, ...]:
    """The docstring of a file, and the names of the functions around a place."""
    text = trace.sources.get(span.file, "") if span is not None else ""
    tree = parsed(text)
    around = (
        node.name
        for node in ast.walk(tree)
        if span is not None
        and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.lineno <= span.line <= (node.end_lineno or 0)
    )
    return (ast.get_docstring(tree) or "", *around)
