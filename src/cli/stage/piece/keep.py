# You said so: all days stay.
len(days)
