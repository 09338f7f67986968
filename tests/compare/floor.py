"""The floor: the least that a server can do."""

from execution import run, variables
from line_server import serve

serve("floor", run, variables)
