"""Small programs that show what python does around a program: its `__main__`, its end, its streams, its threads and processes."""

from __future__ import annotations

# One program each: what it prints, raises and leaves with has to be the same both ways.
PROGRAMS = {
    "main-module": """\
        import builtins, inspect, os, sys
        names = sorted(globals())
        main = sys.modules["__main__"]
        print(names, vars(main) is globals(), dir(main) == sorted(globals()))
        print(__name__, __file__, __spec__, __package__, __doc__, __builtins__ is builtins, globals().get("__cached__", 0))
        print(type(__loader__).__name__, __loader__.name, __loader__.path, globals().get("__annotations__", 0))
        print(sys.argv, sys.path[0], os.getcwd(), sys._getframe().f_code.co_filename, inspect.getsourcefile(main))
    """,
    "annotations": "x: int = 1\nprint(__annotations__)\ndef f(a: undefined_name = 1): pass\n",
    "docstring": '"""What it does."""\nprint(__doc__)\n',
    "future": "from __future__ import annotations\ndef f(a: nothing): pass\nprint(f.__annotations__)\n",
    "exit-none": "import sys; print(1); sys.exit()",
    "exit-0": "import sys; sys.exit(0)",
    "exit-3": "import sys; print('out'); sys.exit(3)",
    "exit-text": "import sys; print('out'); sys.exit('a text')",
    "exit-odd": "raise SystemExit([1, 2])",
    "exit-in-except": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise SystemExit(4)",
    "os-exit": "import os; os._exit(7)",
    "raises": "def f(x):\n    return 1 / x\nprint('before')\nf(0)\n",
    "chained": """\
        def f():
            try:
                {}["a"]
            except KeyError as error:
                raise ValueError("b") from error
        try:
            f()
        except ValueError:
            raise RuntimeError("c")
    """,
    "suppressed": "try:\n    {}['a']\nexcept KeyError:\n    raise ValueError('b') from None",
    "group": "def f():\n    raise TypeError('t')\ntry:\n    f()\nexcept TypeError as e:\n    raise ExceptionGroup('g', [ValueError(1), e])",
    "base-exception": "class Stop(BaseException): pass\nraise Stop('now')",
    "syntax-error": "x = 1\nprint('never'\n",
    "indentation": "if True:\nprint(1)\n",
    "str-raises": "class E(Exception):\n    def __str__(self): raise ValueError('no')\nraise E()",
    "notes": "e = ValueError('v'); e.add_note('a note'); raise e",
    "recursion": "def f(): return f()\ntry:\n    f()\nexcept RecursionError as e:\n    raise ValueError('deep')",
    "traceback-given": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    saved = e\nraise saved.with_traceback(None)",
    "interrupt": "import atexit\natexit.register(print, 'bye')\nprint('x')\nraise KeyboardInterrupt",
    "interrupt-caught": "try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt:\n    print('caught')",
    "interrupt-subclass": "class K(KeyboardInterrupt): pass\nraise K",
    "interrupt-signal": "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)",
    "terminated": "import os, signal, time\nprint('lost')\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(9)",
    "aborts": "import os; print('a', flush=True); os.abort()",
    "broken-pipe": "import os, sys\nr, w = os.pipe(); os.dup2(w, 1); os.close(r); os.close(w)\nprint('x')\nprint('y', flush=True)",
    "broken-pipe-late": "import os, sys\nr, w = os.pipe(); os.dup2(w, 1); os.close(r); os.close(w)\nprint('x')",
    "atexit": """\
        import atexit, sys
        def last(): print("last", sys.excepthook is sys.__excepthook__, sys.last_type, file=sys.stderr)
        atexit.register(last)
        atexit.register(lambda: 1 / 0)
        class Late:
            def __del__(self): print("deleted")
        late = Late()
        raise ValueError("first")
    """,
    "written-at-exit": "import atexit, os\natexit.register(os.write, 2, b'end')\nprint('x')",
    "threads": """\
        import sys, threading, time
        def slow(): time.sleep(0.1); print("thread is done", threading.main_thread().is_alive())
        threading.Thread(target=slow).start()
        threading.Thread(target=slow, daemon=True).start() if 0 else None
        print("main is done")
    """,
    "thread-raises": """\
        import sys, threading
        def f(): raise ValueError("in thread")
        def g(): sys.exit(3)
        for each in (f, g):
            t = threading.Thread(target=each, name="worker"); t.start(); t.join()
        raise TypeError("in main")
    """,
    "own-hook": """\
        import sys, traceback
        def hook(kind, error, tb):
            print("hook", kind, error, [f.name for f in traceback.extract_tb(tb)], error.__traceback__ is tb, sys.last_traceback is tb)
            print(sys.last_value is error, sys.last_type is kind, sys.exc_info())
        sys.excepthook = hook
        def f(): raise ValueError("v")
        f()
    """,
    "own-hook-raises": "import sys\ndef hook(*a):\n    {}['k']\nsys.excepthook = hook\n1 / 0",
    "own-hook-exits": "import sys\ndef hook(*a):\n    print('hook'); sys.exit(5)\nsys.excepthook = hook\n1 / 0",
    "no-hook": "import sys\ndel sys.excepthook\n1 / 0",
    "own-thread-hook": """\
        import sys, threading
        threading.excepthook = lambda args: print("hook", args.exc_type, args.thread.name)
        def f(): raise ValueError("in thread")
        t = threading.Thread(target=f, name="t"); t.start(); t.join()
    """,
    "post-mortem": """\
        import sys, pdb
        def f(x): return 1 / x
        try:
            f(0)
        except ZeroDivisionError:
            pdb.post_mortem()
    """,
    "breakpoint": "x = 4\nbreakpoint()\ny = x + 1\nprint(y)\n",
    "breakpoint-quit": "x = 4\nbreakpoint()\ny = x + 1\nprint(y)\n",
    "warns": "import warnings\ndef f(): warnings.warn('w', stacklevel=2)\nwarnings.warn('a')\nf()\n",
    "source": "import inspect\nclass A:\n    x = 1\ndef f(): return 2\nprint(inspect.getsource(A), inspect.getsource(f))",
    "pickle": "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A, A.__module__)",
    "dataclass": """\
        from __future__ import annotations
        import dataclasses, typing
        @dataclasses.dataclass
        class A:
            x: int
            y: typing.ClassVar[B] = 1
        class B: pass
        print(A(1), dataclasses.fields(A)[0].type, typing.get_type_hints(A))
    """,
    "asyncio": """\
        import asyncio
        async def f(): await asyncio.sleep(0); raise ValueError("v")
        asyncio.run(f())
    """,
    "runpy-inside": "import runpy\nprint(runpy.run_path('other.py')['y'])\nprint(runpy.run_module('other', run_name='__main__')['y'])",
    "imports": "import other, __main__\nprint(other.y, other.__file__, __main__.__file__)",
    "stdin": "import sys\nprint(input(), sys.stdin.read())",
    "flags": "import sys\nassert False, 'not under -O'\nprint(sys.flags.optimize, __debug__, sys.flags.dev_mode)",
    "faulthandler": "import faulthandler, sys\nfaulthandler.enable()\nprint(faulthandler.is_enabled())",
    "unraisable": "class A:\n    def __del__(self): 1 / 0\na = A(); del a",
    "stderr-closed": "import sys\nsys.stderr.close()\n1 / 0",
    "streams-none": "import sys\nsys.stdout = sys.stderr = None\n1 / 0",
    "stderr-replaced": "import io, sys\nsys.stderr = sys.stdout\n1 / 0",
    "main-replaced": "import sys, types\nsys.modules['__main__'] = types.ModuleType('__main__')\nprint(__name__)\n1 / 0",
    "chdir": "import os\nos.mkdir('elsewhere') if not os.path.isdir('elsewhere') else 0\nos.chdir('elsewhere')\n1 / 0",
    "modules": """\
        import sys
        print(sorted({"torch", "click", "rich", "libcst", "numpy", "inspect", "ast", "dataclasses"} & set(sys.modules)))
        print(sys.gettrace(), sys.getprofile(), sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__)
    """,
    "processes": """\
        import multiprocessing, os, sys
        from concurrent.futures import ProcessPoolExecutor
        def f(x): return x * 2
        def bad(): raise ValueError("in child")
        class A:
            x = 3
        def g(queue): queue.put((A(), __name__, sys.argv))
        if __name__ == "__main__":
            for method in ("fork", "spawn"):
                context = multiprocessing.get_context(method)
                queue = context.Queue()
                process = context.Process(target=g, args=(queue,)); process.start()
                a, name, argv = queue.get(); process.join()
                print(method, a.x, name, argv, process.exitcode)
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver")) as pool:
                print(list(pool.map(f, [1, 2])))
            process = multiprocessing.get_context("fork").Process(target=bad, name="p"); process.start(); process.join()
            print(process.exitcode)
    """,
    "fork-raises": """\
        import os, sys
        if os.fork() == 0:
            raise ValueError("in child")
        os.wait()
        raise TypeError("in parent")
    """,
}
STDIN = {
    "stdin": "one\ntwo\nthree",
    "post-mortem": "p x\nu\nd\nq\n",
    "breakpoint": "p x\nn\nc\n",
    "breakpoint-quit": "q\n",
}
PYTHON = {"flags": ["-O", "-X", "dev"]}
