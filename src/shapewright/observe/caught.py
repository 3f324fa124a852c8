"""What became of a failed call's exception: it ended the program, a library dealt with it, or the program caught it itself."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from types import CodeType, TracebackType
from typing import Any

from shapewright.model import Failure
from shapewright.observe.raw import RawFailure
from shapewright.observe.record import Recorder

_REPORTS = {"print", "print_exc", "format_exc", "print_exception", "warn", "exit", "write", "echo", "secho"} | {
    "debug", "info", "warning", "error", "exception", "critical", "log", "fail", "pprint",
}  # fmt: skip
_EXPECTS = {"raises", "assertRaises", "assertRaisesRegex"}


def told(recorder: Recorder, raw: RawFailure, position: int, uncaught: BaseException | None) -> Failure | None:
    """The failure as data; None when a library dealt with it on its own and the user's code never saw it."""
    error = raw.error
    ended = (uncaught, *recorder.thread_errors)
    swallowed = not any(error is link for one in ended for link in _chain(one))
    answered = False
    if swallowed:
        if not raw.frames:
            return None
        catcher = _catcher(error.__traceback__, recorder.sources.is_user)
        if catcher is None:
            return None
        answered = _answered(recorder, *catcher, position)
    return Failure(type(error).__name__, message_of(error), swallowed, answered, raw.measured.dtype_only)


def tried(raw: RawFailure) -> Failure:
    """A failure of a call that the program did not make itself, so that nobody could have caught it."""
    return Failure(type(raw.error).__name__, message_of(raw.error), dtype_only=raw.measured.dtype_only)


def _answered(recorder: Recorder, code: CodeType, line: int, position: int) -> bool:
    """Whether the handler that caught it goes another way: it makes torch calls, or it notes the outcome without reporting an error."""
    tree = _parsed(recorder.sources.text(code.co_filename))
    block = _innermost(tree, line)
    if block is None:
        return False
    if isinstance(block, ast.With):
        nodes = [node for item in block.items for node in ast.walk(item)]
        return any(isinstance(node, ast.Name | ast.Attribute) and _name(node) in _EXPECTS for node in nodes)
    later = recorder.events[position + 1 :]
    for handler in block.handlers:
        lines = range(handler.lineno, (handler.end_lineno or handler.lineno) + 1)
        for event in later[:2000]:
            if event.code is code and recorder.sources.code_span(code, event.lasti).line in lines:
                return True
    nothing = _put_down(tree, block) and not _ever_ran(recorder, position)
    return not nothing and all(_takes_another_way(handler) for handler in block.handlers)


def message_of(error: BaseException) -> str:
    """What an exception says, at most 2000 characters; a broken `__str__` says nothing."""
    try:
        return str(error)[:2000]
    except Exception:
        return ""


def _chain(error: BaseException | None) -> Iterable[BaseException]:
    """The exception and what it was raised from or during."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _catcher(traceback: TracebackType | None, is_user: Any) -> tuple[CodeType, int] | None:
    """The user's outermost frame that the exception passed, and the line there: the one that caught it."""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if is_user(code.co_filename):
            return code, traceback.tb_lineno
        traceback = traceback.tb_next
    return None


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def _innermost(tree: ast.Module, line: int) -> ast.Try | ast.With | None:
    found: ast.Try | ast.With | None = None
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and node.handlers and node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0):
            if found is None or node.lineno > found.lineno:
                found = node
        elif isinstance(node, ast.With) and node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0):
            expects = any(isinstance(n, ast.Name | ast.Attribute) and _name(n) in _EXPECTS for item in node.items for n in ast.walk(item))
            if expects and (found is None or node.lineno > found.lineno):
                found = node
    return found


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _put_down(tree: ast.Module, block: ast.Try) -> bool:
    """Whether all that the handlers do is to put nothing (`None`, infinity) in the place of a result, which no later line looks for."""
    names: set[str] = set()
    for handler in block.handlers:
        for statement in handler.body:
            if not isinstance(statement, ast.Assign) or not _is_nothing(statement.value):
                return False
            names |= {ast.unparse(target) for target in statement.targets}
    made = {ast.unparse(target) for node in ast.walk(ast.Module(block.body, [])) if isinstance(node, ast.Assign) for target in node.targets}
    return names <= made and not any(_looks_for(node, names) for node in ast.walk(tree))


def _looks_for(node: ast.AST, names: set[str]) -> bool:
    """`if found is None`, `if not found`, `isfinite(found)`."""
    if isinstance(node, ast.Compare):
        return ast.unparse(node.left) in names and any(isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq) for op in node.ops)
    if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert):
        return ast.unparse(node.test) in names
    if isinstance(node, ast.UnaryOp | ast.BoolOp):
        return any(ast.unparse(one) in names for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr))
    return isinstance(node, ast.Call) and _name(node.func) in ("isinf", "isnan", "isfinite")


def _is_nothing(node: ast.expr) -> bool:
    """`None`, `float("inf")`, `math.nan`, `-np.inf`."""
    if isinstance(node, ast.UnaryOp):
        return _is_nothing(node.operand)
    if isinstance(node, ast.Call):
        return _name(node.func) == "float" and len(node.args) == 1 and isinstance(node.args[0], ast.Constant)
    return (isinstance(node, ast.Constant) and node.value is None) or (isinstance(node, ast.Attribute) and node.attr in ("inf", "nan"))


def _ever_ran(recorder: Recorder, position: int) -> bool:
    """Whether the call that failed went well at another time: then the program tries which of several things fits."""
    failed = recorder.events[position]
    return any(event.failure is None and event.code is failed.code and event.lasti == failed.lasti for event in recorder.events)


def _takes_another_way(handler: ast.ExceptHandler) -> bool:
    """`except RuntimeError: fits = False` decides something; `print(error)` and `pass` only hide the error."""
    calls = [node for statement in handler.body for node in ast.walk(statement) if isinstance(node, ast.Call)]
    if any(_name(call.func) in _REPORTS for call in calls):
        return False
    return any(isinstance(statement, ast.Assign | ast.AugAssign | ast.Return) for statement in handler.body)
