

def _change_folder(folder, before=[]):
    """`%cd`: `-` is the folder before this one."""
    here = os.getcwd()
    os.chdir(before.pop() if folder == "-" else folder)
    before[:] = [here]
