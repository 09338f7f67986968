# Debuggers

Frame = type(sys._getframe())
# Functions of the debugger between its loop and the wait for a command.
LOOPS = ("cmdloop", "_cmdloop", "readline", "interaction")
MAX_DEPTH = 12


def debugger():
    """Returns the debugger that waits for a command, or None. Reads only frames of the debugger itself."""
    bdb = modules.get("bdb")
    base = own_dict(bdb).get("Bdb") if bdb is not None else None
    if base is None:
        return None
    for frame in list(current_frames().values()):
        for _ in range(MAX_DEPTH):
            if frame is None:
                break
            if frame.f_code.co_name in LOOPS:
                found = frame.f_locals.get("self")
                if base in type_mro(type(found)):
                    return found
            frame = frame.f_back
    return None


def stopped_names(found):
    """Returns the names of the frame in which the debugger has stopped."""
    state = own_dict(found) or {}
    frame = state.get("curframe")
    if type(frame) is not Frame:
        return {}
    names = dict.copy(frame.f_globals)
    # Before 3.13, to read `f_locals` again would undo what the debugger has assigned.
    local = state.get("curframe_locals")
    if local is None and sys.version_info >= (3, 13):
        local = frame.f_locals
    if type(local) is dict or type_name(type(local)) == "FrameLocalsProxy":
        names.update(local)
    return names


def complete_command(place, prefix, steps, more, is_first):
    """Completes a line at the debugger's prompt: names of the frame, and the commands where the line begins."""
    found = debugger()
    if found is None:
        return [], 0
    names = stopped_names(found)
    best, left = complete(place, prefix, steps, more, names, False, None)
    if not is_first:
        return best, left
    commands = {name[3:] for base in type_mro(type(found)) for name in type_dict(base) if name.startswith("do_")}
    fitting = [(name, "command") for name in in_order({name for name in commands if name.startswith(prefix)})]
    known = {name for name, _ in fitting}
    return (fitting + [pair for pair in best if pair[0] not in known])[:LIMIT], left
