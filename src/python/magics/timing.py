# Time


def compile_parts(code, frame, at=None):
    import ast

    file = frame.f_code.co_filename
    padding = "\n" * ((frame.f_lineno if at is None else at + 1) - 1)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | frame.f_code.co_flags & FUTURE
    tree = compile(padding + code, file, "exec", flags | ast.PyCF_ONLY_AST, True)
    if at is None:
        move_to_column(tree, code, frame)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = compile(ast.Expression(tree.body.pop().value), file, "eval", flags, True)
    body = compile(tree, file, "exec", flags, True)
    for part in (body, last):
        if part and part.co_flags & 0x80:
            raise UsageError("await works in %time only where it is the whole snippet, or with %%time on its first line")
    return body, last


FUTURE = 0x1000000


def move_to_column(tree, code, frame):
    """Moves the code to its column, so that marks in tracebacks point to it."""
    import ast
    import linecache

    column = linecache.getline(frame.f_code.co_filename, frame.f_lineno).encode().find(code.encode())
    for node in ast.walk(tree):
        if column > 0 and hasattr(node, "col_offset"):
            node.col_offset += column
            node.end_col_offset += column


def execute(parts, frame):
    body, last = parts
    exec(body, frame.f_globals, frame.f_locals)
    return eval(last, frame.f_globals, frame.f_locals) if last else None


def time(line, frame):
    """How long a statement takes. %%time on the first line times the whole snippet."""
    if not line:
        raise UsageError("%time needs a statement: %time f(x)")
    parts = compile_parts(line, frame)
    began = clock()
    value = execute(parts, frame)
    print_times(began)
    return value


def time_cell(line, body, at, frame):
    """How long the snippet takes."""
    if line:
        raise UsageError("%%time has no statement on its line: the code is below, or %time f(x)")
    parts = compile_parts(body, frame, at)
    began = clock()
    value = execute(parts, frame)
    print_times(began)
    return value


def clock():
    from resource import RUSAGE_SELF, getrusage
    from time import perf_counter

    return getrusage(RUSAGE_SELF), perf_counter()


def print_times(began):
    now, wall = clock()
    user, system = now.ru_utime - began[0].ru_utime, now.ru_stime - began[0].ru_stime
    print(f"CPU times: user {format_duration(user)}, sys: {format_duration(system)}, total: {format_duration(user + system)}")
    print(f"Wall time: {format_duration(wall - began[1])}")


def format_duration(seconds):
    if seconds >= 60:
        minutes, rest = divmod(seconds, 60)
        hours, minutes = divmod(int(minutes), 60)
        return (f"{hours}h " if hours else "") + f"{minutes}min {rest:.3g}s"
    return format_seconds(seconds, 3)


def timeit(line, frame):
    """How long a statement takes on average: `%timeit [-n loops] [-r runs] [-q] [-o] statement`."""
    options, statement = timeit_options(line)
    return measure(options, "", statement, frame, None)


def timeit_cell(line, body, at, frame):
    options, setup = timeit_options(line)
    return measure(options, setup, body, frame, at + 1)


def timeit_options(line):
    import re

    options = {"n": 0, "r": 7, "p": 3, "q": False, "o": False}
    while match := re.match(r"-(?:([nrp])\s*(\d+)|([qotc]))(?:\s+|$)", line):
        if match[1]:
            options[match[1]] = int(match[2])
        else:
            options[match[3]] = True
        line = line[match.end() :]
    return options, line


def measure(options, setup, body, frame, at):
    import ast
    import statistics
    import timeit

    file = frame.f_code.co_filename
    parsed = ast.parse("\n" * ((at or frame.f_lineno) - 1) + body, file)
    if at is None:
        move_to_column(parsed, body, frame)
    body = parsed.body
    if not body:
        raise UsageError("%timeit needs a statement: %timeit f(x)")
    tree = ast.parse("def inner(_it, _timer):\n pass\n _t0 = _timer()\n for _i in _it: pass\n return _timer() - _t0")
    inner = tree.body[0].body
    inner[2].body = body
    inner[0:1] = ast.parse(setup, file).body
    names = frame.f_globals
    if frame.f_locals is not names:
        names = {**names, **frame.f_locals}
    made = {}
    exec(compile(tree, file, "exec", frame.f_code.co_flags & FUTURE, True), names, made)
    timer = timeit.Timer()
    timer.inner = made["inner"]
    loops = options["n"]
    if not loops:
        for power in range(10):
            loops = 10**power
            if timer.timeit(loops) >= 0.2:
                break
    runs = [took / loops for took in timer.repeat(max(options["r"], 1), loops)]
    mean, deviation = statistics.fmean(runs), statistics.pstdev(runs)
    if not options["q"]:
        print(
            f"{format_seconds(mean, options['p'])} ± {format_seconds(deviation, options['p'])} per loop (mean ± std. dev. of "
            f"{len(runs)} run{'s' * (len(runs) > 1)}, {loops:,} loop{'s' * (loops > 1)} each)"
        )
    if options["o"]:
        from types import SimpleNamespace

        return SimpleNamespace(
            average=mean, stdev=deviation, best=min(runs), worst=max(runs), all_runs=runs, loops=loops
        )


def format_seconds(seconds, precision):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.{precision}g} {unit}"
    return f"{seconds * 1e9:.{precision}g} ns"


