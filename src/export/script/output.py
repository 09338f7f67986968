
# As in the session: what cannot be written is written as an escape.
sys.stdout.reconfigure(errors="backslashreplace")
