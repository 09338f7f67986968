"""The session's event loop, as asyncio and user code meet it. Runs in the user's interpreter."""

import sys

# Set by the engine: `session_loop()` returns the loop for code of a snippet that runs without one, or None;
# `report(error, snippet)` shows the error of a background task; `variable` is the context variable of the snippet;
# `WatchedSelect(select)` tells the session when steps of the loop begin, and `tasks_wait()` that there may be any.


class SessionContext:
    """The context of the main thread itself, for the task that runs a snippet. A task's own context is a copy, in which
    all changes of context variables would be lost with the snippet."""

    @staticmethod
    def run(function, *arguments, **options):
        return function(*arguments, **options)

    def __getattr__(self, name):
        from contextvars import copy_context

        return getattr(copy_context(), name)


def snippet_task(coroutine, loop):
    """Returns a task that runs in the session's context. It is not made by the loop, which may have a task factory."""
    import asyncio
    from _asyncio import Task

    if not isinstance(loop, asyncio.BaseEventLoop):
        # Loops of other makers insist on a context of their own.
        return Task(coroutine, loop=loop)
    if sys.version_info >= (3, 11):
        return Task(coroutine, loop=loop, context=SessionContext())
    from asyncio import tasks
    from types import SimpleNamespace

    # The task in C of Python 3.10 takes no context, and the one in Python copies it in this way.
    contextvars = tasks.contextvars
    tasks.contextvars = SimpleNamespace(copy_context=SessionContext)
    try:
        return tasks._PyTask(coroutine, loop=loop)
    finally:
        tasks.contextvars = contextvars


def patch(events):
    """Lets a snippet without `await` find the session's loop, as if that ran: `asyncio.create_task` takes it from here, and
    `asyncio.run`, which asks in another way, still starts a loop of its own."""
    from functools import wraps

    running = events.get_running_loop

    @wraps(running)
    def get_running_loop():
        return events._get_running_loop() or session_loop() or running()

    def of_session(find):
        @wraps(find)
        def get_event_loop(*arguments, **options):
            if events._get_running_loop() is None and not has_own_loop(events):
                session_loop()
            return find(*arguments, **options)

        return get_event_loop

    events.get_running_loop = get_running_loop
    for name in ("get_event_loop", "_get_event_loop"):
        if hasattr(events, name):
            setattr(events, name, of_session(getattr(events, name)))


def has_own_loop(events):
    """Returns whether a loop is set already, by user code or by the engine."""
    try:
        policy = getattr(events, "_get_event_loop_policy", events.get_event_loop_policy)()
        return policy._local._loop is not None
    except AttributeError:
        return False


def idle(loop, descriptor, seconds):
    """Runs the loop until a job for the engine makes the descriptor readable, or for some seconds."""
    if own_descriptors(loop) is None:
        tasks_wait()
    loop.add_reader(descriptor, loop.stop)
    end_watch = None
    timer = None if seconds is None else loop.call_later(seconds, loop.stop)
    try:
        watch_tasks(loop)
        end_watch = watch_steps(loop)
        loop.run_forever()
    finally:
        if end_watch is not None:
            end_watch()
        if timer is not None:
            timer.cancel()
        loop.remove_reader(descriptor)


def watch_steps(loop):
    """Has the session told when steps of a loop begin. Returns a function that ends this; None if the loop is of another
    maker."""
    try:
        own = vars(loop._selector)
        before, select = own.get("select"), loop._selector.select
    except (AttributeError, TypeError):
        return None
    own["select"] = WatchedSelect(select)

    def end():
        if before is None:
            own.pop("select", None)
        else:
            own["select"] = before

    return end


def busy_snippet(thread):
    """Returns the number of the snippet whose task or callback a thread runs; None if that is not known."""
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if frame.f_code.co_name == "_run" and frame.f_globals.get("__name__") == "asyncio.events":
            return frame.f_locals["self"]._context.get(variable) or None
        frame = frame.f_back
    return None


def own_descriptors(loop):
    """Returns the descriptors of a loop on which nothing waits; None if something does, or the loop is of another maker."""
    from asyncio import tasks

    try:
        handles = [handle for handle in (*loop._ready, *loop._scheduled) if not handle._cancelled]
        if handles or tasks.all_tasks(loop) or loop._signal_handlers or len(loop._selector.get_map()) != 1:
            return None
        return [loop._selector.fileno(), loop._ssock.fileno(), loop._csock.fileno()]
    except AttributeError:
        return None


# Tasks that were seen while the session was idle, with the snippet that had run before.
watched = None


def watch_tasks(loop):
    """Asyncio tells of an error that nobody asks for only once the task is gone, which a variable may prevent for ever."""
    global watched
    from asyncio import tasks

    if watched is None:
        from weakref import WeakKeyDictionary

        watched = WeakKeyDictionary()
    for task in tasks.all_tasks(loop):
        if task not in watched:
            watched[task] = variable.get(None)
            task.add_done_callback(ended)


def ended(task):
    if not task.cancelled() and task._log_traceback and not is_stopped(task):
        # First those who wait for the task.
        task.get_loop().call_soon(report_task, task)


def is_stopped(task):
    """Returns whether a task was ended by an exception that has ended the run of the loop as well."""
    return task.done() and not task.cancelled() and isinstance(task._exception, (KeyboardInterrupt, SystemExit))


def report_stopped():
    """Tells of tasks that an interrupt or `SystemExit` has ended. Returns whether there were any."""
    stopped = [task for task in list(watched or ()) if is_stopped(task) and task._log_traceback]
    for task in stopped:
        task._log_traceback = False
        report(task._exception, snippet_of(task))
    return bool(stopped)


def report_task(task):
    if not task._log_traceback:
        return
    error, loop = task._exception, task.get_loop()
    task._log_traceback = False
    if loop.get_exception_handler() is not None:
        loop.call_exception_handler({"message": "Task exception was never retrieved", "exception": error, "future": task})
    else:
        report(error, snippet_of(task))


def snippet_of(task):
    """Returns the number of the snippet that made a task; None if that is not known."""
    if hasattr(task, "get_context"):
        return task.get_context().get(variable) or None
    # Before Python 3.12, a task does not give its context.
    if watched.get(task):
        return watched[task]
    code = getattr(task.get_coro(), "cr_code", None)
    prefix, _, rest = getattr(code, "co_filename", "").partition("<snippet ")
    return int(rest[:-1]) if not prefix and rest[:-1].isdigit() else None
